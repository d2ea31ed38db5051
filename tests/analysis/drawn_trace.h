// SPDX-License-Identifier: GPL-2.0-only
// A trace that a test draws, event by event, and what must hold of whatever comes out of it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/flow_replay.h"

namespace vmflow::test {

inline Comm comm_of(std::string_view name) {
  Comm comm{};
  std::copy_n(name.begin(), std::min(name.size(), comm.size()), comm.begin());
  return comm;
}

/// A thread, as a trace knows it.
struct DrawnThread {
  uint32_t tid = 0;
  uint32_t tgid = 0;
  Comm comm{};
};
inline const DrawnThread kIdle{};

/// Draws events. Units: nanoseconds. `kvm` and vCPU ids are drawn only where a test names them.
class DrawnTrace {
 public:
  std::vector<Event> events;

  DrawnTrace& on(uint32_t cpu, const DrawnThread& thread, uint64_t kvm = 0) {
    cpu_ = cpu;
    thread_ = thread;
    kvm_ = kvm;
    return *this;
  }
  DrawnTrace& at(uint64_t ns, EventData data) {
    events.push_back({.ns = ns,
                      .cpu = cpu_,
                      .tid = thread_.tid,
                      .tgid = thread_.tgid,
                      .kvm = kvm_,
                      .data = std::move(data)});
    return *this;
  }
  DrawnTrace& exit(uint64_t ns, uint32_t code) {
    return at(ns, ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .rip = 0, .vcpu_id = {}});
  }
  DrawnTrace& entry(uint64_t ns) { return at(ns, EntryEvent{}); }
  /// From the thread that runs to `next`; `state` as the scheduler has it: 0 runnable, 1 asleep.
  DrawnTrace& to(uint64_t ns, const DrawnThread& next, int64_t state) {
    at(ns, SwitchEvent{.prev_tid = thread_.tid,
                       .next_tid = next.tid,
                       .prev_state = state,
                       .preempted = {},
                       .prev_comm = thread_.comm,
                       .next_comm = next.comm});
    thread_ = next;
    return *this;
  }
  DrawnTrace& wakes(uint64_t ns, const DrawnThread& wakee, uint32_t target_cpu) {
    return at(ns, WakingEvent{.tid = wakee.tid, .target_cpu = target_cpu, .comm = wakee.comm});
  }
  DrawnTrace& accept(uint64_t ns, uint32_t vcpu_id) {
    return at(ns, AcceptEvent{.vcpu_id = vcpu_id, .vector = 0xec, .delivery = 0});
  }

 private:
  uint32_t cpu_ = 0;
  DrawnThread thread_;
  uint64_t kvm_ = 0;
};

inline ReplayResult replay(const std::vector<Event>& events, ReplayOptions options = {}) {
  FlowReplay replay(options);
  for (const auto& event : events) replay.step(event);
  return std::move(replay).finish();
}

/// The ledger of the vCPU that `tid` runs, all 0 if there is none.
inline const vcpu_flow& flow_of(const ReplayResult& result, uint32_t tid) {
  static const vcpu_flow kNone{};
  for (const auto& copy : result.snapshot.slots)
    if (copy.slot.id.tid == tid) return copy.slot.flow;
  ADD_FAILURE() << "no vCPU of thread " << tid;
  return kNone;
}

inline const ReplayedVcpu& vcpu_of(const ReplayResult& result, uint32_t tid) {
  static const ReplayedVcpu kNone;
  for (const auto& vcpu : result.vcpus)
    if (vcpu.tid == tid) return vcpu;
  ADD_FAILURE() << "no vCPU of thread " << tid;
  return kNone;
}

/// Time by state, of the intervals that end at or before `until_ns`.
inline std::vector<uint64_t> drawn_ns(const ReplayedVcpu& vcpu, uint64_t until_ns) {
  std::vector<uint64_t> ns(FLOW_STATES + 1, 0);
  for (const auto& interval : vcpu.intervals)
    if (interval.begin_ns < until_ns)
      ns[interval.state] += std::min(interval.end_ns, until_ns) - interval.begin_ns;
  return ns;
}

/// Whatever has happened: the states of every vCPU sum to its time, their parts to them, and its
/// intervals, which follow one another without a gap, to the same.
inline void expect_conserved(const ReplayResult& result) {
  const auto sum = [](const auto& values) {
    return std::accumulate(std::begin(values), std::end(values), uint64_t{0});
  };
  ASSERT_EQ(result.vcpus.size(), result.snapshot.slots.size());
  for (size_t i = 0; i < result.vcpus.size(); i++) {
    const vcpu_flow& flow = result.snapshot.slots[i].slot.flow;
    const ReplayedVcpu& vcpu = result.vcpus[i];
    EXPECT_EQ(sum(flow.ns) + flow.held_ns, flow.last_ns - flow.first_ns);
    EXPECT_EQ(sum(flow.wait_ns) + flow.unsettled_ns, flow.ns[FLOW_HALTED]);
    EXPECT_EQ(sum(flow.block_ns), flow.ns[FLOW_VMM_BLOCKED]);
    EXPECT_GE(sum(flow.culprit_ns), flow.ns[FLOW_READY]);
    if (vcpu.left_out != 0 || flow.first_ns == 0) continue;
    std::vector<uint64_t> states(std::begin(flow.ns), std::end(flow.ns));
    states[flow.held_state == FLOW_VMM ? FLOW_VMM : FLOW_KVM] += flow.held_ns;
    EXPECT_EQ(drawn_ns(vcpu, flow.last_ns), states) << "vCPU " << i;
    uint64_t at_ns = flow.first_ns;
    for (const auto& interval : vcpu.intervals) {
      EXPECT_EQ(interval.begin_ns, at_ns);
      EXPECT_LT(interval.begin_ns, interval.end_ns);
      at_ns = interval.end_ns;
    }
  }
}

}  // namespace vmflow::test
