// SPDX-License-Identifier: GPL-2.0-only
// Lives of vCPUs on CPUs of their own, drawn at random with all their events, as LTTng or the
// kernel side's ring would record them.
#pragma once

#include <random>
#include <vector>

#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {

/// Shape: with `told` the kernel side's decisions are among the events.
class DrawnLife {
 public:
  static constexpr uint32_t kVcpus = 3;

  explicit DrawnLife(uint32_t seed, bool told = false) : random_(seed), told_(told) {}

  /// `rounds` exits, in time order.
  std::vector<Event> events(uint32_t rounds) {
    for (uint32_t i = 0; i < kVcpus; i++) {
      next_ns_[i] = 1000 + i;
      on(i).at(later(i), EntryEvent{.vcpu_id = id(i)});
    }
    for (uint32_t i = 0; i < rounds; i++) live(random_() % kVcpus);
    std::ranges::stable_sort(trace_.events, {}, &Event::ns);
    return trace_.events;
  }

  static DrawnThread vcpu(uint32_t i) { return {101 + i, 100, comm_of("CPU/KVM")}; }
  static constexpr uint64_t kKvm = 0x1000;

 private:
  std::optional<uint32_t> id(uint32_t i) const {
    return told_ ? std::optional<uint32_t>(i) : std::nullopt;
  }
  uint64_t later(uint32_t i) { return next_ns_[i] += 2 + random_() % 1000; }
  DrawnTrace& on(uint32_t i) { return trace_.on(i, vcpu(i), told_ ? kKvm : 0); }

  void live(uint32_t i) {
    if (random_() % 4 == 0) away(i, FLOW_READY);
    switch (random_() % 3) {
      case 0:
        exit(i, 0x72);
        break;
      case 1:
        exit(i, 0x7b);
        on(i).at(later(i), UserspaceExitEvent{.reason = 2, .error = 0});
        in_kvm_run_ = false;
        if (random_() % 2) away(i, FLOW_VMM_BLOCKED);
        in_kvm_run_ = true;
        if (told_) on(i).at(later(i), RunEvent{});
        break;
      default:
        exit(i, 0x78);
        away(i, FLOW_HALTED);
        if (told_)
          on(i).at(later(i),
                   HaltEndEvent{
                       .halt_ns = 0, .polled_ns = random_() % 900, .waited = true, .valid = true});
        if (random_() % 2) on(i).accept(later(i), i);
    }
    on(i).at(later(i), EntryEvent{.vcpu_id = id(i)});
  }
  void exit(uint32_t i, uint32_t code) {
    on(i).at(later(i), ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .rip = 0, .vcpu_id = id(i)});
  }

  void away(uint32_t i, flow_state state) {
    const DrawnThread task{300 + i, 300 + i, comm_of("make")};
    const uint64_t out_ns = later(i);
    on(i).to(out_ns, task, state == FLOW_READY ? 0 : 1);
    if (told_)
      on(i).at(out_ns, VcpuOutEvent{.state = state, .block = FLOW_BLOCK_IO, .throttled = false});
    if (state != FLOW_READY) wake(i);
    for (uint32_t n = random_() % 3; n > 0; n--) trace_.on(i, task).to(later(i), task, 0);
    const uint64_t in_ns = later(i);
    trace_.on(i, task).to(in_ns, vcpu(i), 1);
    if (told_)
      on(i).at(in_ns,
               VcpuInEvent{.in_kvm_run = in_kvm_run_, .disk_pending_ns = 0, .net_pending_ns = 0});
  }

  /// On a CPU that no vCPU runs on: by an interrupt, or by a thread of the VMM.
  void wake(uint32_t i) {
    const bool is_irq = random_() % 2;
    const DrawnThread waker = is_irq ? kIdle : DrawnThread{100, 100, comm_of("qemu")};
    const uint64_t ns = later(i);
    trace_.on(10 + i, waker);
    if (is_irq) trace_.at(ns - 1, IrqEvent{.begins = true});
    if (!is_irq && random_() % 2) trace_.accept(ns - 1, i);
    trace_.wakes(ns, vcpu(i), i);
    if (told_)
      trace_.at(
          ns, WakeEvent{.tid = vcpu(i).tid, .waker = flow_waker(100, random_() % FLOW_WAKE_KINDS)});
    if (is_irq) trace_.at(ns + 1, IrqEvent{.begins = false});
  }

  std::mt19937 random_;
  bool told_;
  bool in_kvm_run_ = true;
  DrawnTrace trace_;
  std::array<uint64_t, kVcpus> next_ns_{};
};

}  // namespace vmflow::test
