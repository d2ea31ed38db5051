// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/exit_reason.h"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace vmflow {
namespace {

struct CodeName {
  uint32_t code;
  std::string_view name;
};

// Source: SVM_EXIT_* of arch/x86/include/uapi/asm/svm.h; sorted by code.
constexpr CodeName kSvm[] = {
    {0x00, "read_cr0"},
    {0x02, "read_cr2"},
    {0x03, "read_cr3"},
    {0x04, "read_cr4"},
    {0x08, "read_cr8"},
    {0x10, "write_cr0"},
    {0x12, "write_cr2"},
    {0x13, "write_cr3"},
    {0x14, "write_cr4"},
    {0x18, "write_cr8"},
    {0x20, "read_dr0"},
    {0x21, "read_dr1"},
    {0x22, "read_dr2"},
    {0x23, "read_dr3"},
    {0x24, "read_dr4"},
    {0x25, "read_dr5"},
    {0x26, "read_dr6"},
    {0x27, "read_dr7"},
    {0x30, "write_dr0"},
    {0x31, "write_dr1"},
    {0x32, "write_dr2"},
    {0x33, "write_dr3"},
    {0x34, "write_dr4"},
    {0x35, "write_dr5"},
    {0x36, "write_dr6"},
    {0x37, "write_dr7"},
    {0x60, "intr"},
    {0x61, "nmi"},
    {0x62, "smi"},
    {0x63, "init"},
    {0x64, "vintr"},
    {0x65, "cr0_sel_write"},
    {0x66, "idtr_read"},
    {0x67, "gdtr_read"},
    {0x68, "ldtr_read"},
    {0x69, "tr_read"},
    {0x6a, "idtr_write"},
    {0x6b, "gdtr_write"},
    {0x6c, "ldtr_write"},
    {0x6d, "tr_write"},
    {0x6e, "rdtsc"},
    {0x6f, "rdpmc"},
    {0x70, "pushf"},
    {0x71, "popf"},
    {0x72, "cpuid"},
    {0x73, "rsm"},
    {0x74, "iret"},
    {0x75, "swint"},
    {0x76, "invd"},
    {0x77, "pause"},
    {0x78, "hlt"},
    {0x79, "invlpg"},
    {0x7a, "invlpga"},
    {0x7b, "ioio"},
    {0x7c, "msr"},
    {0x7d, "task_switch"},
    {0x7e, "ferr_freeze"},
    {0x7f, "shutdown"},
    {0x80, "vmrun"},
    {0x81, "vmmcall"},
    {0x82, "vmload"},
    {0x83, "vmsave"},
    {0x84, "stgi"},
    {0x85, "clgi"},
    {0x86, "skinit"},
    {0x87, "rdtscp"},
    {0x88, "icebp"},
    {0x89, "wbinvd"},
    {0x8a, "monitor"},
    {0x8b, "mwait"},
    {0x8c, "mwait_cond"},
    {0x8d, "xsetbv"},
    {0x8e, "rdpru"},
    {0x8f, "efer_write_trap"},
    {0x90, "cr0_write_trap"},
    {0x91, "cr1_write_trap"},
    {0x92, "cr2_write_trap"},
    {0x93, "cr3_write_trap"},
    {0x94, "cr4_write_trap"},
    {0x95, "cr5_write_trap"},
    {0x96, "cr6_write_trap"},
    {0x97, "cr7_write_trap"},
    {0x98, "cr8_write_trap"},
    {0x99, "cr9_write_trap"},
    {0x9a, "cr10_write_trap"},
    {0x9b, "cr11_write_trap"},
    {0x9c, "cr12_write_trap"},
    {0x9d, "cr13_write_trap"},
    {0x9e, "cr14_write_trap"},
    {0x9f, "cr15_write_trap"},
    {0xa2, "invpcid"},
    {0xa5, "bus_lock"},
    {0xa6, "idle_hlt"},
    {0x400, "npf"},
    {0x401, "avic_incomplete_ipi"},
    {0x402, "avic_unaccelerated_access"},
    {0x403, "vmgexit"},
};

// Source: EXIT_REASON_* of arch/x86/include/uapi/asm/vmx.h; sorted by code.
constexpr CodeName kVmx[] = {
    {0, "exception_nmi"},
    {1, "external_interrupt"},
    {2, "triple_fault"},
    {3, "init_signal"},
    {4, "sipi_signal"},
    {7, "interrupt_window"},
    {8, "nmi_window"},
    {9, "task_switch"},
    {10, "cpuid"},
    {12, "hlt"},
    {13, "invd"},
    {14, "invlpg"},
    {15, "rdpmc"},
    {16, "rdtsc"},
    {18, "vmcall"},
    {19, "vmclear"},
    {20, "vmlaunch"},
    {21, "vmptrld"},
    {22, "vmptrst"},
    {23, "vmread"},
    {24, "vmresume"},
    {25, "vmwrite"},
    {26, "vmoff"},
    {27, "vmon"},
    {28, "cr_access"},
    {29, "dr_access"},
    {30, "io_instruction"},
    {31, "msr_read"},
    {32, "msr_write"},
    {33, "invalid_state"},
    {34, "msr_load_fail"},
    {36, "mwait_instruction"},
    {37, "monitor_trap_flag"},
    {39, "monitor_instruction"},
    {40, "pause_instruction"},
    {41, "mce_during_vmentry"},
    {43, "tpr_below_threshold"},
    {44, "apic_access"},
    {45, "eoi_induced"},
    {46, "gdtr_idtr"},
    {47, "ldtr_tr"},
    {48, "ept_violation"},
    {49, "ept_misconfig"},
    {50, "invept"},
    {51, "rdtscp"},
    {52, "preemption_timer"},
    {53, "invvpid"},
    {54, "wbinvd"},
    {55, "xsetbv"},
    {56, "apic_write"},
    {57, "rdrand"},
    {58, "invpcid"},
    {59, "vmfunc"},
    {60, "encls"},
    {61, "rdseed"},
    {62, "pml_full"},
    {63, "xsaves"},
    {64, "xrstors"},
    {67, "umwait"},
    {68, "tpause"},
    {74, "bus_lock"},
    {75, "notify"},
    {76, "seamcall"},
    {77, "tdcall"},
    {84, "msr_read_imm"},
    {85, "msr_write_imm"},
};

// Source: SVM_EXIT_EXCP_BASE and SVM_EXIT_LAST_EXCP: one code per exception vector.
constexpr uint32_t kSvmFirstException = 0x40, kSvmLastException = 0x5f;

constexpr NamedExit kSvmNamed[kNamedExits] = {
    {0x60, "intr", "a host interrupt came: the price of the host's own devices and timers"},
    {0x64, "vintr", "the guest had interrupts off when one was to be injected"},
    {0x72, "cpuid", "often issued to serialise, always trapped"},
    {0x77, "pause", "spinning on a lock whose holder may be off its CPU"},
    {0x78, "hlt", "idle"},
    {0x7b, "ioio", "port I/O: emulated devices, kicks of legacy virtio"},
    {0x7c, "msr", "timers, interrupt controller and clock of the guest"},
    {0x80, "vmrun", "the guest is itself a hypervisor"},
    {0x81, "vmmcall", "hypercalls, among them paravirtual IPIs"},
    {FLOW_EXIT_DIRECT + 0, "npf", "memory touched for the first time, and MMIO: kicks of virtio"},
    {FLOW_EXIT_DIRECT + 1, "avic_incomplete_ipi", "an IPI that AVIC could not deliver alone"},
    {FLOW_EXIT_DIRECT + 3, "vmgexit", "all requests of an encrypted guest arrive as this one"},
};

constexpr NamedExit kVmxNamed[kNamedExits] = {
    {1, "external_interrupt", "a host interrupt came: the host's own devices and timers"},
    {10, "cpuid", "often issued to serialise, always trapped"},
    {12, "hlt", "idle"},
    {18, "vmcall", "hypercalls, among them paravirtual IPIs"},
    {24, "vmresume", "the guest is itself a hypervisor"},
    {30, "io_instruction", "port I/O: emulated devices, kicks of legacy virtio"},
    {31, "msr_read", "a guest that polls a trapped MSR"},
    {32, "msr_write", "timers and interrupt controller of the guest"},
    {40, "pause_instruction", "spinning on a lock whose holder may be off its CPU"},
    {48, "ept_violation", "memory touched for the first time, or write-protected"},
    {49, "ept_misconfig", "MMIO: emulated devices and kicks of virtio"},
    {52, "preemption_timer", "the guest's own timer ran out"},
};

std::span<const CodeName> codes(Vendor vendor) {
  switch (vendor) {
    case Vendor::kVmx:
      return kVmx;
    case Vendor::kSvm:
      return kSvm;
    case Vendor::kNone:
      return {};
  }
  return {};
}

// The inverse of flow_exit_index().
uint32_t code_of(Vendor vendor, uint32_t exit_index) {
  if (vendor == Vendor::kSvm && exit_index >= FLOW_EXIT_DIRECT &&
      exit_index < FLOW_EXIT_DIRECT + FLOW_EXIT_SVM_HIGH_COUNT)
    return FLOW_EXIT_SVM_HIGH + (exit_index - FLOW_EXIT_DIRECT);
  return exit_index;
}

}  // namespace

uint32_t halt_exit(Vendor vendor) {
  return vendor == Vendor::kVmx ? 12 : 0x78;
}

uint32_t page_fault_exit(Vendor vendor) {
  return vendor == Vendor::kVmx ? 48 : FLOW_EXIT_DIRECT;
}

// VMX: exception or NMI, external interrupt, interrupt window, preemption timer. SVM: INTR, NMI,
// VINTR.
bool is_interrupt_exit(Vendor vendor, uint32_t index) {
  if (vendor == Vendor::kVmx) return index == 0 || index == 1 || index == 7 || index == 52;
  return index == 0x60 || index == 0x61 || index == 0x64;
}

std::string_view vendor_name(Vendor vendor) {
  switch (vendor) {
    case Vendor::kVmx:
      return "vmx";
    case Vendor::kSvm:
      return "svm";
    case Vendor::kNone:
      return "none";
  }
  return "none";
}

std::string exit_name(Vendor vendor, uint32_t exit_index) {
  if (exit_index == FLOW_EXIT_UNREADABLE) return "unreadable";
  if (exit_index >= FLOW_EXIT_OUT_OF_RANGE) return "out_of_range";
  const uint32_t code = code_of(vendor, exit_index);
  const auto table = codes(vendor);
  const auto found = std::ranges::lower_bound(table, code, {}, &CodeName::code);
  if (found != table.end() && found->code == code) return std::string(found->name);
  if (vendor == Vendor::kSvm && code >= kSvmFirstException && code <= kSvmLastException)
    return "excp_" + std::to_string(code - kSvmFirstException);
  char hex[16];
  std::snprintf(hex, sizeof(hex), "_0x%x", code);
  return std::string(vendor_name(vendor)) + hex;
}

std::span<const NamedExit> named_exits(Vendor vendor) {
  switch (vendor) {
    case Vendor::kVmx:
      return kVmxNamed;
    case Vendor::kSvm:
      return kSvmNamed;
    case Vendor::kNone:
      return {};
  }
  return {};
}

uint32_t folded_exit(Vendor vendor, uint32_t exit_index) {
  const auto named = named_exits(vendor);
  const auto found = std::ranges::find(named, exit_index, &NamedExit::index);
  return found == named.end() ? kNamedExits : static_cast<uint32_t>(found - named.begin());
}

std::string_view folded_exit_name(Vendor vendor, uint32_t place) {
  const auto named = named_exits(vendor);
  if (place == kNamedExits) return kOtherExit;
  return place < named.size() ? named[place].name : std::string_view{};
}

}  // namespace vmflow
