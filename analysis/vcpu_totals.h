// SPDX-License-Identifier: GPL-2.0-only
// Every counter of a vCPU that leaves vmflow, in one value: added for a VM, held against a fall.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bpf/records.h"

namespace vmflow {

/// The counters of one vCPU, or of many added up. Units: nanoseconds and counts.
struct VcpuTotals {
  std::array<uint64_t, FLOW_STATES + 1> ns{};        ///< [FLOW_UNKNOWN] is unaccounted
  std::array<uint64_t, FLOW_WAKE_KINDS> wait_ns{};   ///< of ns[FLOW_HALTED]: by what ended it
  std::array<uint64_t, FLOW_CULPRITS> culprit_ns{};  ///< of ns[FLOW_READY]: by who held the CPU
  std::array<std::array<uint64_t, FLOW_WAIT_BUCKETS>, FLOW_WAKE_KINDS> waited{};  ///< its waits
  std::array<uint64_t, FLOW_CULPRITS> preempted{};  ///< switched out while runnable
  std::array<uint64_t, FLOW_BLOCKS> block_ns{};  ///< of ns[FLOW_VMM_BLOCKED]: by what it slept in
  std::array<uint64_t, FLOW_LEVELS>
      level_ns{};  ///< of all of `ns`: by flow_level, without what is pending
  std::array<uint64_t, FLOW_ANOMALIES> anomaly{};
  std::array<uint64_t, 2> poll_ns{};  ///< of ns[FLOW_HALT_POLL]: that succeeded, that failed
  uint64_t nested_entries = 0;        ///< see struct nested_flow
  uint64_t nested_handled = 0;
  uint64_t nested_reflected = 0;
  uint64_t nested_deeper = 0;
  uint64_t disk_pending_ns = 0;  ///< of ns[FLOW_HALTED]: with a disk request in flight
  uint64_t net_pending_ns = 0;   ///< of ns[FLOW_HALTED]: with a packet waiting
  uint64_t poll_success = 0;
  uint64_t poll_fail = 0;
  uint64_t halt_wakeups = 0;
  uint64_t handled_ns = 0;  ///< handling time of the exits that `handled` counts
  std::array<uint64_t, FLOW_EXIT_BUCKETS> handled{};
  std::array<uint64_t, FLOW_EXIT_BUCKETS> queued{};  ///< waits for a CPU that have ended
  uint64_t queued_ns = 0;                            ///< their sum
  std::array<uint64_t, FLOW_EXIT_BUCKETS> woken{};   ///< of them, those after a wake-up
  uint64_t woken_ns = 0;
  std::array<uint64_t, FLOW_USERSPACE_REASONS> userspace{};
  std::array<uint64_t, FLOW_EXIT_CODES> exit_count{};
  std::array<uint64_t, FLOW_EXIT_CODES> exit_ns{};

  bool operator==(const VcpuTotals&) const = default;
};

/// Calls `visit(mine, other)` for every counter of the two.
template <typename Mine, typename Visit>
void for_each_counter(Mine& mine, const VcpuTotals& other, Visit visit) {
  auto each = [&](auto& a, const auto& b) {
    for (size_t i = 0; i < b.size(); i++) visit(a[i], b[i]);
  };
  each(mine.ns, other.ns);
  each(mine.wait_ns, other.wait_ns);
  each(mine.culprit_ns, other.culprit_ns);
  for (size_t kind = 0; kind < other.waited.size(); kind++)
    each(mine.waited[kind], other.waited[kind]);
  each(mine.preempted, other.preempted);
  each(mine.block_ns, other.block_ns);
  each(mine.level_ns, other.level_ns);
  each(mine.anomaly, other.anomaly);
  each(mine.poll_ns, other.poll_ns);
  visit(mine.nested_entries, other.nested_entries);
  visit(mine.nested_handled, other.nested_handled);
  visit(mine.nested_reflected, other.nested_reflected);
  visit(mine.nested_deeper, other.nested_deeper);
  visit(mine.disk_pending_ns, other.disk_pending_ns);
  visit(mine.net_pending_ns, other.net_pending_ns);
  visit(mine.poll_success, other.poll_success);
  visit(mine.poll_fail, other.poll_fail);
  visit(mine.halt_wakeups, other.halt_wakeups);
  visit(mine.handled_ns, other.handled_ns);
  each(mine.handled, other.handled);
  each(mine.queued, other.queued);
  visit(mine.queued_ns, other.queued_ns);
  each(mine.woken, other.woken);
  visit(mine.woken_ns, other.woken_ns);
  each(mine.userspace, other.userspace);
  each(mine.exit_count, other.exit_count);
  each(mine.exit_ns, other.exit_ns);
}

inline VcpuTotals& operator+=(VcpuTotals& sum, const VcpuTotals& more) {
  for_each_counter(sum, more, [](uint64_t& a, uint64_t b) { a += b; });
  return sum;
}

}  // namespace vmflow
