// SPDX-License-Identifier: GPL-2.0-only
// 2EA, the analysis that the thesis argues against, as a second source: it follows a vCPU by the
// two pairs of events that everybody has, and knows no reasons, no nested levels and no wake-ups.
//
//   sched_in ──► root    vm_entry ──► non-root    vm_exit ──► root    sched_out ──► idle
//
// What it counts must be what vmflow counts: root is kvm, vmm and halt_poll; non-root is guest and
// guest_nested; idle is halted, ready, throttled, vmm_blocked and paused. By definition they differ
// only here, and so they are compared where both count:
//
//   before the first of the four events   2EA knows nothing of the vCPU. vmflow's ledger may begin
//                                         earlier: with KVM_RUN, a userspace exit, a halt's end.
//   after the thread's end                vmflow's ledger ends there; 2EA waits for a sched_out.
//   unaccounted time                      before an event that its state rules out (a lost
//                                         sched_in, say) vmflow does not know; 2EA believes the
//                                         event before. No such time is in a trace without losses.
//   a switch that two recorders tell      vmflow takes the kernel side's word where it is told a
//                                         nanosecond beside the scheduler's; 2EA takes both.
//   a vCPU that changes its thread        2EA has threads, vmflow vCPUs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <utility>
#include <vector>

#include "analysis/event.h"
#include "analysis/flow_replay_result.h"

namespace vmflow::test {

/// Units: nanoseconds.
struct RootTimes {
  uint64_t root = 0;
  uint64_t non_root = 0;
  uint64_t off_cpu = 0;
  uint64_t unaccounted = 0;  ///< vmflow's alone
  bool operator==(const RootTimes&) const = default;
  uint64_t sum() const { return root + non_root + off_cpu + unaccounted; }
};

inline void PrintTo(const RootTimes& times, std::ostream* out) {
  *out << "root " << times.root << ", non-root " << times.non_root << ", off CPU " << times.off_cpu
       << ", unaccounted " << times.unaccounted;
}

/// Shape: by the threads that run vCPUs; a thread is one from its first entry or exit on.
class TwoEventBaseline {
 public:
  void step(const Event& event) {
    if (std::holds_alternative<EntryEvent>(event.data)) {
      steps_[event.tid].push_back({event.ns, &RootTimes::non_root});
    } else if (std::holds_alternative<ExitEvent>(event.data)) {
      steps_[event.tid].push_back({event.ns, &RootTimes::root});
    } else if (const auto* change = std::get_if<SwitchEvent>(&event.data)) {
      switches(change->prev_tid, event.ns, &RootTimes::off_cpu);
      switches(change->next_tid, event.ns, &RootTimes::root);
    } else if (std::holds_alternative<VcpuOutEvent>(event.data)) {
      switches(event.tid, event.ns, &RootTimes::off_cpu);
    } else if (std::holds_alternative<VcpuInEvent>(event.data)) {
      switches(event.tid, event.ns, &RootTimes::root);
    }
    last_ns_ = std::max(last_ns_, event.ns);
  }

  /// Of the first of the four events; 0: there is none.
  uint64_t first_ns(uint32_t tid) const {
    const auto steps = steps_.find(tid);
    return steps == steps_.end() ? 0 : steps->second.front().ns;
  }

  RootTimes within(uint32_t tid, uint64_t begin_ns, uint64_t end_ns) const {
    RootTimes times;
    const auto found = steps_.find(tid);
    if (found == steps_.end()) return times;
    const auto& steps = found->second;
    for (size_t i = 0; i < steps.size(); i++) {
      const uint64_t next_ns = i + 1 < steps.size() ? steps[i + 1].ns : last_ns_;
      const uint64_t from_ns = std::max(steps[i].ns, begin_ns);
      const uint64_t to_ns = std::min(next_ns, end_ns);
      if (from_ns < to_ns) times.*steps[i].into += to_ns - from_ns;
    }
    return times;
  }

 private:
  struct Step {
    uint64_t ns = 0;
    uint64_t RootTimes::*into = nullptr;
  };

  void switches(uint32_t tid, uint64_t ns, uint64_t RootTimes::*into) {
    const auto steps = steps_.find(tid);
    if (steps != steps_.end()) steps->second.push_back({ns, into});
  }

  std::map<uint32_t, std::vector<Step>> steps_;
  uint64_t last_ns_ = 0;
};

/// Which of 2EA's states one of vmflow's is.
inline uint64_t RootTimes::*root_time_of(flow_state state) {
  switch (state) {
    case FLOW_GUEST:
    case FLOW_GUEST_NESTED:
      return &RootTimes::non_root;
    case FLOW_KVM:
    case FLOW_VMM:
    case FLOW_HALT_POLL:
      return &RootTimes::root;
    case FLOW_HALTED:
    case FLOW_READY:
    case FLOW_THROTTLED:
    case FLOW_VMM_BLOCKED:
    case FLOW_PAUSED:
      return &RootTimes::off_cpu;
    case FLOW_UNKNOWN:
      break;
  }
  return &RootTimes::unaccounted;
}

/// What vmflow has drawn of a vCPU within a window.
inline RootTimes root_times(const ReplayedVcpu& vcpu, uint64_t begin_ns, uint64_t end_ns) {
  RootTimes times;
  for (const auto& interval : vcpu.intervals) {
    const uint64_t from_ns = std::max(interval.begin_ns, begin_ns);
    const uint64_t to_ns = std::min(interval.end_ns, end_ns);
    if (from_ns < to_ns) times.*root_time_of(interval.state) += to_ns - from_ns;
  }
  return times;
}

}  // namespace vmflow::test
