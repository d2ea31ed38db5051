// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bench/made_up_host.h"

#include <fmt/format.h>

#include <cstring>

namespace vmflow::bench {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kFirstPid = 10'000;
// SVM: interrupt window, CPUID, PAUSE, HLT, I/O, MSR, interrupt, nested page fault.
constexpr uint32_t kExits[] = {0x64, 0x72, 0x77, 0x78, 0x7b, 0x7c, 0x60, 0x7f};
// KVM_EXIT_IO, MMIO, INTR.
constexpr uint32_t kReturns[] = {2, 6, 10};

VmKey key_of(uint32_t vm) {
  return {kFirstPid + vm, 0xffff888000000000 + vm * 0x10000ull};
}

vcpu_slot slot_of(uint32_t vm, uint32_t vcpu_id) {
  const auto key = key_of(vm);
  vcpu_slot slot{};
  slot.in_use = 1;
  slot.id = {.kvm = key.kvm,
             .vcpu = key.kvm + 1 + vcpu_id,
             .taken_ns = kSecond,
             .tgid = key.tgid,
             .tid = 1'000'000 + vm * 16 + vcpu_id,
             .vcpu_id = vcpu_id,
             .generation = 1};
  slot.vm = vm + 1;
  slot.flow.first_ns = slot.flow.last_ns = kSecond;
  slot.flow.state = FLOW_GUEST;
  slot.flow.exit_index = FLOW_EXIT_NONE;
  return slot;
}

template <size_t kCount>
void add(__u64 (&counters)[kCount], uint64_t more) {
  for (auto& counter : counters) counter += more;
}

// Of the second: 200 ms halted, 100 ms each of ready and of blocked, the rest elsewhere.
void run_a_second(vcpu_flow& flow) {
  add(flow.ns, kSecond / 10);
  flow.ns[FLOW_UNKNOWN] = 0;
  flow.last_ns += kSecond;
  for (auto& ns : flow.wait_ns) ns += kSecond / 10 / FLOW_WAKE_KINDS;
  flow.ns[FLOW_HALTED] = 0;
  for (const auto ns : flow.wait_ns) flow.ns[FLOW_HALTED] += ns;
  for (auto& waits : flow.waited) add(waits, 3);
  add(flow.block_ns, kSecond / 10 / FLOW_BLOCKS);
  add(flow.culprit_ns, kSecond / 10 / FLOW_CULPRITS);
  add(flow.preempted, 7);
  add(flow.handled, 50);
  add(flow.queued, 10);
  add(flow.woken, 5);
  flow.handled_ns += kSecond / 5;
  flow.woken_ns += kSecond / 20;
  flow.poll_success_ns += kSecond / 20;
  flow.poll_fail_ns += kSecond / 20;
  flow.poll_success += 11;
  flow.poll_fail += 13;
  flow.halt_wakeups += 17;
  flow.disk_pending_ns += kSecond / 50;
  flow.net_pending_ns += kSecond / 50;
  for (const auto code : kExits) {
    flow.exits[code].count += 1'000 + code;
    flow.exits[code].ns += kSecond / 40;
  }
  for (const auto reason : kReturns) flow.userspace[reason] += 100 + reason;
}

std::vector<ThreadReading> threads_of(uint32_t vm) {
  const uint32_t pid = key_of(vm).tgid;
  std::vector<ThreadReading> threads = {{pid, "qemu-system-x86", kSecond, kSecond / 7},
                                        {pid + 500'000, "IO iothread1", kSecond, kSecond / 9},
                                        {pid + 600'000, fmt::format("vhost-{}", pid), kSecond, 9},
                                        {pid + 700'000, "worker", kSecond / 3, 5}};
  for (uint32_t id = 0; id < kVcpusPerVm; id++)
    threads.push_back({slot_of(vm, id).id.tid, fmt::format("CPU {}/KVM", id), kSecond, kSecond});
  return threads;
}

VmIdentity identity_of(uint32_t vm) {
  return {.name = fmt::format("instance-{:08x}", vm),
          .uuid = fmt::format("{:08x}-5f8d-4ba6-9d2c-d37a30fe1b20", vm * 2654435761u),
          .vmm = "qemu",
          .pid = key_of(vm).tgid,
          .start_ticks = 100 + vm,
          .start_time_unix_seconds = 1.7e9,
          .names = {.title = "a web server",
                    .openstack_name = fmt::format("web-{}", vm),
                    .openstack_project = "shop",
                    .openstack_user = "eva",
                    .openstack_flavor = "m1.medium",
                    .machine = fmt::format("qemu-{}-instance", vm)}};
}

vm_io io_of() {
  vm_io io{};
  for (const auto op : {FLOW_DISK_READ, FLOW_DISK_WRITE, FLOW_DISK_OTHER})
    io.disk[op] = {.operations = 1'234, .bytes = 5'678'901, .ns = kSecond / 3};
  io.disk_contended_ns = io.disk_waited_ns = io.disk_held_ns = kSecond / 30;
  io.net_seen = FLOW_NET_READS | FLOW_NET_QUEUE;
  for (auto& count : io.net) count = {.packets = 4'321, .bytes = 987'654};
  io.net_waited_ns = kSecond / 60;
  add(io.interrupts, 99);
  return io;
}

BlameReading blame_of(uint32_t victim, flow_culprit kind, uint32_t by) {
  const auto from = key_of(victim), to = key_of(by);
  BlameReading reading{.key = {.kvm = from.kvm,
                               .tgid = from.tgid,
                               .culprit = kind,
                               .culprit_kvm = to.kvm,
                               .culprit_tgid = to.tgid,
                               .pad = 0},
                       .value = {.ns = kSecond / 100, .comm = {}}};
  std::strcpy(reading.value.comm, "CPU 0/KVM");
  return reading;
}

WakerReading waker_of(uint32_t vm, uint32_t vcpu_id) {
  const auto key = key_of(vm);
  return {{key.kvm, key.tgid, vcpu_id, (vcpu_id + 1) % kVcpusPerVm, 0}, {100, kSecond / 1000}};
}

}  // namespace

MadeUpHost::MadeUpHost(uint32_t vms) {
  slots_.resize(1);
  rest_.now_ns = kSecond;
  rest_.host = {.vendor = Vendor::kSvm, .kernel = "6.1", .exit_source = "vmcb"};
  for (uint32_t vm = 0; vm < vms; vm++) {
    const auto key = key_of(vm);
    for (uint32_t id = 0; id < kVcpusPerVm; id++) slots_.push_back(slot_of(vm, id));
    rest_.identities[key] = identity_of(vm);
    rest_.threads[key.tgid] = threads_of(vm);
    rest_.ios[key.tgid] = io_of();
    rest_.packets_waiting[key.tgid] = 3;
    auto& skew = rest_.skews[vm + 1];
    skew.kvm = key.kvm;
    skew.taken_ns = kSecond;
    skew.skew_ns = 12'345;
    // As many as the kernel has room for: with 4,000 VMs four each.
    rest_.blames.push_back(blame_of(vm, FLOW_CULPRIT_OWN_VM, vm));
    for (uint32_t i = 1; i <= 3; i++)
      rest_.blames.push_back(blame_of(vm, FLOW_CULPRIT_OTHER_VM, (vm + i) % vms));
    for (uint32_t id = 0; id < kVcpusPerVm; id++) rest_.wakers.push_back(waker_of(vm, id));
  }
}

void MadeUpHost::run_a_second() {
  rest_.now_ns += kSecond;
  for (auto& slot : slots_)
    if (slot.in_use != 0) bench::run_a_second(slot.flow);
}

Snapshot MadeUpHost::look_without_slots(bool with_pairs) const {
  Snapshot look = rest_;
  look.has_pairs = with_pairs;
  if (!with_pairs) {
    look.blames.clear();
    look.wakers.clear();
  }
  return look;
}

}  // namespace vmflow::bench
