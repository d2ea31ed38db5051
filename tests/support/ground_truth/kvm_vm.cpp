// SPDX-License-Identifier: GPL-2.0-only
#include "kvm_vm.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cstring>

namespace vmflow::ground_truth {
namespace {

// Guest memory, one page of 2 MiB. Page 0 stays empty.
constexpr std::size_t kMemorySize = 0x200000;
constexpr std::uint64_t kPml4 = 0x1000;
constexpr std::uint64_t kPdpt = 0x2000;
constexpr std::uint64_t kPageDirectory = 0x3000;
constexpr std::uint64_t kGdt = 0x4000;
constexpr std::uint64_t kIdt = 0x5000;
constexpr std::uint64_t kTss = 0x6000;
constexpr std::uint64_t kVmcb = 0x7000;
constexpr std::uint64_t kHostSave = 0x8000;
constexpr std::uint64_t kNestedPml4 = 0x9000;
constexpr std::uint64_t kNestedPdpt = 0xa000;
constexpr std::uint64_t kNestedPageDirectory = 0xb000;
constexpr std::uint64_t kCode = 0x10000;
constexpr std::uint64_t kParams = 0x20000;  // a page for each vCPU
constexpr std::uint64_t kStacks = 0x80000;  // a page for each vCPU
constexpr std::uint64_t kPage = 0x1000;
static_assert(kParams + kMaxVcpus * kPage <= kStacks);
static_assert(kStacks + kMaxVcpus * kPage <= kMemorySize);

// VMX needs room for a real-mode TSS and identity map, outside guest memory. SVM ignores it.
constexpr unsigned long kVmxTss = 0xfffbd000;
constexpr std::uint64_t kVmxIdentityMap = 0xfffbc000;

constexpr std::uint16_t kCodeSelector = 0x08;
constexpr std::uint16_t kDataSelector = 0x10;
constexpr std::uint16_t kTssSelector = 0x18;

constexpr std::uint64_t kPageTablePresentWritable = 0x3;
constexpr std::uint64_t kPageTableUser = 0x4;  // all of a nested page table is
constexpr std::uint64_t kPageTableLarge = 0x80;
constexpr std::uint64_t kCr0 = 0x80010033;  // PG WP NE ET MP PE
constexpr std::uint64_t kCr4 = 0x620;       // PAE OSFXSR OSXMMEXCPT
constexpr std::uint64_t kEfer = 0x500;      // LMA LME
constexpr std::size_t kVectors = 256;

/// struct kvm_cpuid2 with room for its entries. The kernel's declaration of the flexible array has
/// another size in C++ than in C, which spoils the two request numbers made from it.
struct CpuidTable {
  std::uint32_t nent;
  std::uint32_t padding;
  std::array<kvm_cpuid_entry2, 256> entries;
};
using CpuidHeader = std::uint64_t;  // of the size that struct kvm_cpuid2 has in C
constexpr unsigned long kGetSupportedCpuid = _IOWR(KVMIO, 0x05, CpuidHeader);
constexpr unsigned long kSetCpuid2 = _IOW(KVMIO, 0x90, CpuidHeader);

int checked_ioctl(int fd, unsigned long request, const void* argument, const char* what) {
  const int result = ::ioctl(fd, request, argument);
  if (result < 0) throw system_failure(what);
  return result;
}

std::uint64_t address_of(const char* symbol) {
  return kCode + static_cast<std::uint64_t>(symbol - guest_code_begin);
}

/// The two words of an interrupt gate in long mode.
void set_gate(std::uint64_t* gate, std::uint64_t handler) {
  constexpr std::uint64_t kPresentInterruptGate = 0x8e00;
  gate[0] = (handler & 0xffff) | (std::uint64_t{kCodeSelector} << 16) |
            (kPresentInterruptGate << 32) | ((handler & 0xffff0000) << 32);
  gate[1] = handler >> 32;
}

kvm_segment code_segment() {
  kvm_segment segment{};
  segment.limit = 0xffffffff;
  segment.selector = kCodeSelector;
  segment.type = 11;  // execute, read, accessed
  segment.present = 1;
  segment.s = 1;
  segment.l = 1;
  segment.g = 1;
  return segment;
}

kvm_segment data_segment() {
  kvm_segment segment = code_segment();
  segment.selector = kDataSelector;
  segment.type = 3;  // read, write, accessed
  segment.l = 0;
  segment.db = 1;
  return segment;
}

/// VMX refuses a VM entry without a busy TSS. Nothing uses it: all runs at CPL 0.
kvm_segment task_segment() {
  kvm_segment segment{};
  segment.base = kTss;
  segment.limit = 0x67;
  segment.selector = kTssSelector;
  segment.type = 11;
  segment.present = 1;
  return segment;
}

void set_long_mode(kvm_sregs& sregs) {
  constexpr std::uint64_t kX2apicEnabled = 0xc00;  // bits of IA32_APIC_BASE
  sregs.cs = code_segment();
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data_segment();
  sregs.tr = task_segment();
  sregs.gdt.base = kGdt;
  sregs.gdt.limit = 5 * sizeof(std::uint64_t) - 1;
  sregs.idt.base = kIdt;
  sregs.idt.limit = kVectors * 2 * sizeof(std::uint64_t) - 1;
  sregs.cr0 = kCr0;
  sregs.cr3 = kPml4;
  sregs.cr4 = kCr4;
  sregs.efer = kEfer;
  sregs.apic_base |= kX2apicEnabled;
}

}  // namespace

KvmVm::KvmVm(const std::vector<const char*>& entries) {
  create_vm();
  fill_memory();
  vcpus_.reserve(entries.size());
  for (std::size_t index = 0; index < entries.size(); ++index) create_vcpu(index, entries[index]);
}

void KvmVm::create_vm() {
  kvm_ = Fd(::open("/dev/kvm", O_RDWR | O_CLOEXEC));
  if (kvm_.get() < 0) throw system_failure("cannot open /dev/kvm");
  vm_ = Fd(checked_ioctl(kvm_.get(), KVM_CREATE_VM, nullptr, "KVM_CREATE_VM"));
  // Not every KVM has these two calls; one that needs them has them.
  (void)::ioctl(vm_.get(), KVM_SET_IDENTITY_MAP_ADDR, &kVmxIdentityMap);
  (void)::ioctl(vm_.get(), KVM_SET_TSS_ADDR, kVmxTss);
  checked_ioctl(vm_.get(), KVM_CREATE_IRQCHIP, nullptr, "KVM_CREATE_IRQCHIP");
  memory_ = Mapping(kMemorySize, -1);
  kvm_userspace_memory_region region{};
  region.memory_size = kMemorySize;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(memory_.at<char>(0));
  checked_ioctl(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

void KvmVm::fill_memory() {
  *memory_.at<std::uint64_t>(kPml4) = kPdpt | kPageTablePresentWritable;
  *memory_.at<std::uint64_t>(kPdpt) = kPageDirectory | kPageTablePresentWritable;
  auto* directory = memory_.at<std::uint64_t>(kPageDirectory);
  directory[0] = kPageTablePresentWritable | kPageTableLarge;
  directory[1] = GUEST_SLOW_MEMORY | kPageTablePresentWritable | kPageTableLarge;
  auto* gdt = memory_.at<std::uint64_t>(kGdt);
  gdt[1] = 0x00af9b000000ffff;  // 64-bit code, CPL 0
  gdt[2] = 0x00cf93000000ffff;  // data
  gdt[3] = 0x00008b0000000067 | (kTss << 16);
  auto* idt = memory_.at<std::uint64_t>(kIdt);
  for (std::size_t vector = 0; vector < 32; ++vector) {
    set_gate(idt + 2 * vector, address_of(guest_exceptions) + 8 * vector);
  }
  for (std::size_t vector = 32; vector < kVectors; ++vector) {
    set_gate(idt + 2 * vector, address_of(guest_interrupt));
  }
  std::memcpy(memory_.at<char>(kCode), guest_code_begin,
              static_cast<std::size_t>(guest_code_end - guest_code_begin));
}

void KvmVm::add_slow_memory(std::chrono::nanoseconds delay) {
  constexpr std::size_t kSize = GUEST_SLOW_PAGES * kPage;
  slow_memory_ = std::make_unique<SlowMemory>(kSize, delay);
  kvm_userspace_memory_region region{};
  region.slot = 1;
  region.guest_phys_addr = GUEST_SLOW_MEMORY;
  region.memory_size = kSize;
  region.userspace_addr = reinterpret_cast<std::uintptr_t>(slow_memory_->address());
  checked_ioctl(vm_.get(), KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

/// The same machine state as this VM's own.
/// Source: AMD64 Architecture Programmer's Manual 2, appendix B, and 15.5.1 for what VMRUN checks.
void KvmVm::add_nested_guest() {
  const auto put = [&](std::uint64_t offset, auto value) {
    std::memcpy(memory_.at<char>(kVmcb + offset), &value, sizeof(value));
  };
  const auto segment = [&](std::uint64_t offset, std::uint16_t selector, std::uint16_t attributes) {
    put(offset, selector);
    put(offset + 2, attributes);
    put(offset + 4, ~std::uint32_t{0});
  };
  constexpr std::uint64_t kEferSvme = 0x1000;
  put(0x00c, std::uint32_t{1} << 18 | 1u << 24);  // intercepts CPUID and HLT
  put(0x010, std::uint32_t{1});                   // VMRUN, as it must
  put(0x058, std::uint32_t{1});                   // ASID
  put(0x090, std::uint64_t{1});                   // nested paging
  put(0x0b0, kNestedPml4);
  for (const std::uint64_t data : {0x400, 0x420, 0x430, 0x440, 0x450})
    segment(data, kDataSelector, 0xc93);
  segment(0x410, kCodeSelector, 0xa9b);
  segment(0x490, kTssSelector, 0x08b);
  put(0x4d0, kEfer | kEferSvme);
  put(0x548, kCr4);
  put(0x550, kPml4);
  put(0x558, kCr0);
  put(0x560, std::uint64_t{0x400});  // DR7 and DR6 at reset
  put(0x568, std::uint64_t{0xffff0ff0});
  put(0x570, std::uint64_t{0x2});  // RFLAGS
  put(VMCB_RIP, address_of(guest_of_the_guest));
  put(0x668, std::uint64_t{0x0007040600070406});  // PAT at reset
  constexpr auto kTable = kPageTablePresentWritable | kPageTableUser;
  *memory_.at<std::uint64_t>(kNestedPml4) = kNestedPdpt | kTable;
  *memory_.at<std::uint64_t>(kNestedPdpt) = kNestedPageDirectory | kTable;
  *memory_.at<std::uint64_t>(kNestedPageDirectory) = kTable | kPageTableLarge;
  params(0).vmcb = kVmcb;
  params(0).host_save = kHostSave;
}

void KvmVm::create_vcpu(std::size_t index, const char* entry) {
  Fd fd(
      checked_ioctl(vm_.get(), KVM_CREATE_VCPU, reinterpret_cast<void*>(index), "KVM_CREATE_VCPU"));
  const int run_size =
      checked_ioctl(kvm_.get(), KVM_GET_VCPU_MMAP_SIZE, nullptr, "KVM_GET_VCPU_MMAP_SIZE");
  set_cpuid(fd.get());  // first: it says that the LAPIC may be in x2APIC mode

  kvm_sregs sregs{};
  checked_ioctl(fd.get(), KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
  set_long_mode(sregs);
  checked_ioctl(fd.get(), KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");

  kvm_regs regs{};
  regs.rip = address_of(entry);
  regs.rsp = kStacks + (index + 1) * kPage;
  regs.rdi = params_address(index);
  regs.rflags = 0x2;
  checked_ioctl(fd.get(), KVM_SET_REGS, &regs, "KVM_SET_REGS");

  // vCPUs but the first would wait for INIT and SIPI.
  const kvm_mp_state runnable{KVM_MP_STATE_RUNNABLE};
  checked_ioctl(fd.get(), KVM_SET_MP_STATE, &runnable, "KVM_SET_MP_STATE");

  Mapping run(static_cast<std::size_t>(run_size), fd.get());
  vcpus_.emplace_back(std::move(fd), std::move(run));
}

void KvmVm::set_cpuid(int vcpu) const {
  CpuidTable table{};
  table.nent = table.entries.size();
  checked_ioctl(kvm_.get(), kGetSupportedCpuid, &table, "KVM_GET_SUPPORTED_CPUID");
  checked_ioctl(vcpu, kSetCpuid2, &table, "KVM_SET_CPUID2");
}

GuestParams& KvmVm::params(std::size_t index) const {
  return *memory_.at<GuestParams>(params_address(index));
}

std::uint64_t KvmVm::params_address(std::size_t index) {
  return kParams + index * kPage;
}

}  // namespace vmflow::ground_truth
