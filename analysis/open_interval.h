// SPDX-License-Identifier: GPL-2.0-only
// A vCPU's ledger at one moment: what its events have closed, and the interval still open.
#pragma once

#include <array>
#include <cstdint>

#include "analysis/vcpu_totals.h"
#include "bpf/records.h"

namespace vmflow {

/// Time since a vCPU's last event. Units: nanoseconds of CLOCK_MONOTONIC.
struct OpenInterval {
  std::array<uint64_t, FLOW_STATES + 1> ns{};  ///< by state; [FLOW_UNKNOWN] is unaccounted
  uint64_t exit_ns = 0;                        ///< of it, host time after the open exit
  uint64_t held_back_ns = 0;  ///< host time not yet told from halt polling; reported later
};

/// Closed and open time of one vCPU.
struct VcpuReading {
  VcpuTotals totals;
  uint64_t held_back_ns = 0;
  /// Of `totals.ns`, what `totals.level_ns` leaves out until it is known whose it is.
  uint64_t pending_ns = 0;
  uint64_t vmcb12 = 0;     ///< the nested vCPU that was entered last
  nested_credit credit{};  ///< what it has had since its record was written
  /// Of `totals.ns`, waits that have not ended, or of which it is not known yet what ended them.
  std::array<uint64_t, FLOW_STATES> open_wait_ns{};
};

/// 1 for the states in which a vCPU waits: their parts (reasons, culprits) are known at the end
/// only.
constexpr bool is_wait(uint32_t state) {
  return state == FLOW_HALTED || state == FLOW_READY || state == FLOW_THROTTLED ||
         state == FLOW_VMM_BLOCKED || state == FLOW_PAUSED;
}

/// Its thread has ended or KVM has destroyed it: its numbers are final.
constexpr bool has_ended(const vcpu_slot& slot) {
  return slot.end.thread_exit_ns != 0 || slot.end.destroyed_ns != 0;
}

/// What the time from the last event until `now_ns` (or until the vCPU was destroyed) is so far.
/// Shape:  a sleep is split at its wake-up into the state and FLOW_READY; a vCPU whose thread has
///         exited has no open interval; a last event after `now_ns` leaves none either.
/// Errors: none; a state that does not exist makes the time unaccounted.
OpenInterval open_interval(const vcpu_slot& slot, uint64_t now_ns);

/// All counters of `slot` at `now_ns`, closed and open.
/// Shape: `totals.ns` and `held_back_ns` sum to `now_ns` less the first event; `totals.level_ns`
/// and
///        `pending_ns` sum to `totals.ns`.
VcpuReading read_vcpu(const vcpu_slot& slot, uint64_t now_ns);

}  // namespace vmflow
