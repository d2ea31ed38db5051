// SPDX-License-Identifier: GPL-2.0-only
// A VM of two vCPUs, drawn exit by exit with its guest's registers; it may run guests of its own.
#pragma once

#include <algorithm>
#include <vector>

#include "analysis/guest_process.h"
#include "tests/analysis/drawn_trace.h"
#include "tests/analysis/exit_words.h"

namespace vmflow::test {

/// Units: nanoseconds.
class DrawnGuest {
 public:
  static constexpr uint64_t kKvm = 0x1000;
  static constexpr uint64_t kUserStack = 0x7fff'1234'5678, kKernelStack = 0xffff'c900'0010'0f00;
  inline static const DrawnThread kVcpus[] = {{101, 100, comm_of("CPU 0/KVM")},
                                              {102, 100, comm_of("CPU 1/KVM")}};
  inline static const DrawnThread kMain{100, 100, comm_of("qemu")};
  inline static const DrawnThread kHog{900, 900, comm_of("hog")};

  /// `is_ring`: as vmflow's ring records it, with what the kernel side has decided of its switches;
  /// else these have to be inferred.
  explicit DrawnGuest(const ExitWords& words = kSvmWords, bool is_ring = true)
      : words(words), is_ring_(is_ring) {
    on(0);
  }

  const ExitWords words;
  DrawnTrace trace;

  DrawnGuest& on(uint32_t vcpu) {
    vcpu_ = vcpu;
    trace.on(vcpu, kVcpus[vcpu], kKvm);
    return *this;
  }
  DrawnGuest& enters(uint64_t ns) {
    trace.at(ns, EntryEvent{vcpu_});
    return *this;
  }
  /// In user mode, unless its stack is the kernel's.
  DrawnGuest& leaves(uint64_t ns, uint32_t code, uint64_t cr3, uint64_t rsp = kUserStack) {
    trace.at(ns, words.exit(code, vcpu_));
    trace.at(ns, RegistersEvent{.cr3 = cr3, .rsp = rsp, .cpl = rsp >> 63 != 0 ? 0u : 3u});
    return *this;
  }
  /// An interrupt of the host's own, for 20 ns.
  DrawnGuest& exits(uint64_t ns, uint64_t cr3, uint64_t rsp = kUserStack) {
    return leaves(ns, words.interrupt, cr3, rsp).enters(ns + 20);
  }
  /// A tick: the host's interrupt takes it out, and it goes on with its own timer's.
  DrawnGuest& ticks(uint64_t ns, uint64_t cr3) {
    leaves(ns, words.interrupt, cr3);
    trace.accept(ns + 10, vcpu_);
    return enters(ns + 20);
  }
  /// Halts, and sleeps from 10 ns later on until `waker` ends it. It has a CPU again 10 ns later,
  /// and enters another 10 later.
  DrawnGuest& halts(uint64_t ns, uint64_t cr3, uint64_t until_ns, uint64_t waker) {
    leaves(ns, words.halt, cr3, kKernelStack);
    trace.to(ns + 10, kIdle, 1);
    tells_out(ns + 10, FLOW_HALTED);
    trace.on(7, kMain).wakes(until_ns, kVcpus[vcpu_], vcpu_);
    trace.at(until_ns, WakeEvent{.tid = kVcpus[vcpu_].tid, .waker = waker});
    return comes(until_ns + 10, kIdle);
  }
  /// The host's hog has its CPU until `until_ns`; then it enters 10 ns later.
  DrawnGuest& preempted(uint64_t ns, uint64_t until_ns) {
    trace.to(ns, kHog, 0);
    tells_out(ns, FLOW_READY);
    return comes(until_ns, kHog);
  }

  /// The VM's process `cr3` runs a guest: 5 ns later the host knows which, another 5 later it is
  /// entered.
  DrawnGuest& runs(uint64_t ns, uint64_t vmcb12, uint64_t cr3, uint64_t root = 0x8000) {
    leaves(ns, words.runs_guest, cr3, kKernelStack);
    trace.at(ns + 5, NestedEnterEvent{vmcb12, root});
    return enters(ns + 10);
  }
  /// That guest leaves; the host tells so 2 ns later.
  DrawnGuest& leaves_nested(uint64_t ns, uint32_t code, uint64_t cr3) {
    leaves(ns, code, cr3);
    trace.at(ns + 2, NestedExitEvent{});
    return *this;
  }
  /// It leaves, and is entered 10 ns later.
  DrawnGuest& handled(uint64_t ns, uint32_t code, uint64_t cr3) {
    return leaves_nested(ns, code, cr3).enters(ns + 10);
  }
  /// It leaves, 5 ns later the VM is given the exit, another 5 later it is entered.
  DrawnGuest& reflected(uint64_t ns, uint32_t code, uint64_t cr3) {
    leaves_nested(ns, code, cr3);
    trace.at(ns + 5, NestedReflectEvent{code});
    return enters(ns + 10);
  }

  std::vector<Event> events() const {
    auto events = trace.events;
    std::ranges::stable_sort(events, {}, &Event::ns);
    return events;
  }
  ReplayResult result() const { return replay(events(), {.outs_told = is_ring_}); }
  VmProcesses processes() const { return processes_of(result()); }
  static VmProcesses processes_of(const ReplayResult& result) {
    auto vms = guest_processes(result);
    EXPECT_EQ(vms.size(), 1u);
    return vms.empty() ? VmProcesses{} : vms[0];
  }

 private:
  void tells_out(uint64_t ns, flow_state state) {
    on(vcpu_);
    if (is_ring_) trace.at(ns, VcpuOutEvent{state, FLOW_BLOCK_OTHER, false});
  }
  DrawnGuest& comes(uint64_t ns, const DrawnThread& from) {
    trace.on(vcpu_, from).to(ns, kVcpus[vcpu_], 0);
    on(vcpu_);
    if (is_ring_) trace.at(ns, VcpuInEvent{true, 0, 0});
    return enters(ns + 10);
  }

  const bool is_ring_;
  uint32_t vcpu_ = 0;
};

inline uint64_t wait(const GuestProcess& process, WaitReason reason) {
  return process.wait_ns[static_cast<size_t>(reason)];
}

/// All of its times: what it was followed for, if it was on one vCPU at a time.
inline uint64_t sum_of(const GuestProcess& process) {
  uint64_t ns = process.guest_ns() + process.host_ns + process.blocked_ns + process.behind_ns +
                process.nested_ns + process.hypervisor_ns;
  for (const auto part : process.ready_ns) ns += part;
  for (const auto part : process.wait_ns) ns += part;
  return ns;
}

/// The process that is called so: "cr3:a000", "cr3:a000 of 7f000".
inline const GuestProcess& process(const VmProcesses& vm, const std::string& name) {
  static const GuestProcess kNone;
  for (const auto& process : vm.processes)
    if (process_name(process.key) == name) return process;
  ADD_FAILURE() << "no process " << name;
  return kNone;
}
inline const GuestProcess& of(const VmProcesses& vm, uint64_t cr3) {
  return process(vm, process_name({0, cr3}));
}

}  // namespace vmflow::test
