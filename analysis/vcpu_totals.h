// SPDX-License-Identifier: GPL-2.0-only
// Every counter of a vCPU that leaves vmflow, in one value: added for a VM, held against a fall.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

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

/// Nothing but counters, so that they may be taken for one row of them: what is done to each is
/// done to many at once.
static_assert(std::has_unique_object_representations_v<VcpuTotals> &&
              sizeof(VcpuTotals) % sizeof(uint64_t) == 0);

/// Calls `visit(mine, other)` for every counter of the two.
template <typename Visit>
void for_each_counter(VcpuTotals& mine, const VcpuTotals& other, Visit visit) {
  auto* a = reinterpret_cast<uint64_t*>(&mine);
  const auto* b = reinterpret_cast<const uint64_t*>(&other);
  for (size_t i = 0; i < sizeof(VcpuTotals) / sizeof(uint64_t); i++) visit(a[i], b[i]);
}

inline VcpuTotals& operator+=(VcpuTotals& sum, const VcpuTotals& more) {
  for_each_counter(sum, more, [](uint64_t& a, uint64_t b) { a += b; });
  return sum;
}

}  // namespace vmflow
