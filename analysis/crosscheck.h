// SPDX-License-Identifier: GPL-2.0-only
// Has the kernel side counted right? Its slots at two moments against the replay of the events
// between them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/flow_replay_result.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// One quantity, where the two sides disagree most.
/// Units: counts, or seconds if `is_time`. Shape: the two sides agree if `disagreement_ratio` is at
/// most
///        `allowed_ratio`.
struct Agreement {
  std::string quantity;
  std::string where;  ///< of which vCPU, and of what of it
  bool is_time = false;
  double aggregate = 0;
  double replay = 0;
  double disagreement_ratio = 0;
  double allowed_ratio = 0;

  bool agrees() const { return disagreement_ratio <= allowed_ratio; }
};

/// What the trace's reader has told about it.
struct TraceLosses {
  uint64_t events = 0;
  uint64_t packets = 0;
};

/// Shape: `rows` are exits, exit_seconds, state_seconds, waits, ready_seconds; none if no vCPU
/// could be compared.
struct Crosscheck {
  std::vector<Agreement> rows;
  std::vector<std::string> left_out;  ///< what one side cannot see, each in a sentence
  uint32_t vcpus = 0;                 ///< that were compared
};

/// Compares the two over one window for each vCPU: from its last event in `first` to its last one
/// in `last`. `replay` must have been seeded with both (see FlowReplay::seed). Shape:  a count
/// disagrees by its difference, of which one event at each edge is allowed; a time by its
/// difference
///         over the time itself or a tenth of the window, whichever is larger, of which 1 % is
///         allowed: that is 1 % of the time or 0.1 % of the window.
Crosscheck crosscheck(const Snapshot& first, const Snapshot& last, const ReplayResult& replay,
                      const TraceLosses& losses = {});

}  // namespace vmflow
