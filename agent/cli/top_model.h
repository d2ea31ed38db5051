// SPDX-License-Identifier: GPL-2.0-only
// Two looks become what vmflow top shows: where each VM's time went between them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/vms_look.h"

namespace vmflow {

/// What happened to counters between two looks.
struct Shares {
  /// Of the time between, by state. Units: percent of vCPU time. Shape: they sum to 100; empty if
  /// no time went by.
  NamedNumbers percent;
  double vcpu_seconds = 0;
  bool fell = false;  ///< a counter fell: it began anew, and nothing is known of the time between
};

/// States that only one of the looks has are left out.
Shares shares_between(const NamedNumbers& before, const NamedNumbers& now);

/// The waits' part of the halted time. A wait counts when it ends, so waits can have begun before:
/// if they sum to more than `halted_percent`, they share that. Errors: empty if one fell.
NamedNumbers waits_between(const NamedNumbers& before, const NamedNumbers& now, double vcpu_seconds,
                           double halted_percent);

/// One VM. Units: percent of its vCPU time: 100 is all of its vCPUs, all of the time.
/// Shape: a VM that is new has no percent yet.
struct TopRow {
  VmCounters now;
  std::string shown;  ///< what a reader calls it, see shown_vm()
  NamedNumbers percent;
  NamedNumbers wait_percent;
  std::optional<double> exits_per_second;
};

/// Shape: `rows` in the order of the look. `restarted`: VMs whose counters fell though they are the
/// same; if it was all that were there before, the agent has begun anew.
struct TopRows {
  std::vector<TopRow> rows;
  size_t restarted = 0;
  bool all_restarted = false;
  std::optional<double> seconds;  ///< of the agent's clock between the looks
};

/// `before` may be null: the first look.
TopRows top_rows(const VmsLook* before, const VmsLook& now);

/// What people read in one line of what began anew; empty if nothing did.
std::string restart_note(const TopRows& rows);

/// What a reader calls the VM: its name, or the label if it has none. Shape: see in_cells().
std::string shown_vm(const VmCounters& vm);

}  // namespace vmflow
