// SPDX-License-Identifier: GPL-2.0-only
// A VM that runs guests of its own, as the ring with registers records it: one vCPU, event by
// event. Units: nanoseconds.
#pragma once

#include "analysis/flow_replay.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {

/// Exit codes of one vendor. Shape: `vmrun` is VMRESUME on Intel.
struct NestedCodes {
  uint32_t isa = FLOW_ISA_SVM;
  uint32_t vmrun = 0x80;
  uint32_t halt = 0x78;
  uint32_t interrupt = 0x60;
  uint32_t cpuid = 0x72;
};
constexpr NestedCodes kSvmCodes{}, kVmxCodes{FLOW_ISA_VMX, 24, 12, 1, 10};

class DrawnNested {
 public:
  static constexpr uint64_t kKvm = 0x1000;
  inline static const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")};
  inline static const DrawnThread kMain{100, 100, comm_of("qemu")};
  inline static const DrawnThread kHog{900, 900, comm_of("hog")};

  explicit DrawnNested(const NestedCodes& codes = kSvmCodes) : code(codes) { on(); }

  const NestedCodes code;
  DrawnTrace trace;

  DrawnNested& enters(uint64_t ns) {
    trace.at(ns, EntryEvent{0});
    return *this;
  }
  DrawnNested& leaves(uint64_t ns, uint32_t exit, uint64_t cr3, uint32_t cpl = 3) {
    trace.at(ns, ExitEvent{.code = exit, .isa = code.isa, .rip = 0, .vcpu_id = 0});
    trace.at(ns, RegistersEvent{cr3, 0x7fff'1234'5678, cpl});
    return *this;
  }
  /// The VM's process `cr3` runs a guest: 5 ns later the host knows which, another 5 later it is
  /// entered.
  DrawnNested& runs(uint64_t ns, uint64_t vmcb12, uint64_t cr3, uint64_t root = 0x8000) {
    leaves(ns, code.vmrun, cr3, 0);
    trace.at(ns + 5, NestedEnterEvent{vmcb12, root});
    return enters(ns + 10);
  }
  /// The guest leaves, and is entered 10 ns later.
  DrawnNested& handled(uint64_t ns, uint32_t exit, uint64_t cr3) {
    leaves(ns, exit, cr3);
    trace.at(ns + 2, NestedExitEvent{});
    return enters(ns + 10);
  }
  /// The guest leaves, 5 ns later the VM is given the exit, another 5 later it is entered.
  DrawnNested& reflected(uint64_t ns, uint32_t exit, uint64_t cr3) {
    leaves(ns, exit, cr3);
    trace.at(ns + 2, NestedExitEvent{}).at(ns + 5, NestedReflectEvent{exit});
    return enters(ns + 10);
  }
  /// The VM halts; `waker` wakes it; 10 ns later it has a CPU, and another 10 later it is entered.
  DrawnNested& halts(uint64_t ns, uint64_t until_ns, uint64_t waker) {
    leaves(ns, code.halt, kHypervisor, 0);
    trace.to(ns + 10, kIdle, 1);
    on().at(ns + 10, VcpuOutEvent{FLOW_HALTED, FLOW_BLOCK_OTHER, false});
    trace.on(7, kMain).at(until_ns, WakeEvent{.tid = kVcpu.tid, .waker = waker});
    return comes(until_ns + 10);
  }
  /// The host's `by` takes the CPU from `ns` to `until_ns`; then it is entered 10 ns later.
  DrawnNested& preempted(uint64_t ns, uint64_t until_ns) {
    trace.to(ns, kHog, 0);
    on().at(ns, VcpuOutEvent{FLOW_READY, FLOW_BLOCK_OTHER, false});
    return comes(until_ns, kHog);
  }

  ReplayResult result() {
    std::ranges::stable_sort(trace.events, {}, &Event::ns);
    return replay(trace.events, {.outs_told = true});
  }

  static constexpr uint64_t kHypervisor = 0xc000;

 private:
  DrawnTrace& on() { return trace.on(0, kVcpu, kKvm); }
  DrawnNested& comes(uint64_t ns, const DrawnThread& from = kIdle) {
    trace.on(0, from).to(ns, kVcpu, 0);
    on().at(ns, VcpuInEvent{true, 0, 0});
    return enters(ns + 10);
  }
};

}  // namespace vmflow::test
