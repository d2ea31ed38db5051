// SPDX-License-Identifier: GPL-2.0-only
// How far two hosts' clocks are apart, from packets that went from one to the other and back. No
// packet is received before it was sent: so each one that went from A to B says that clock B is
// not further ahead than it seems, and each one that came back that it is not less.
//
// Source: the convex hulls are those of Poirier, Roy and Dagenais, "Accurate Offline
// Synchronization of Distributed Traces Using Kernel-Level Events" (2010), and Jabbarifar (2013);
// the line in the middle and its bound are vmflow's own: see clock_alignment.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/clock_map.h"

namespace vmflow {

/// One packet. Units: each of its own host's clock.
struct ClockPair {
  uint64_t a_ns = 0;
  uint64_t b_ns = 0;
};

/// Shape: in any order; `a_to_b` were sent at a_ns, `b_to_a` at b_ns.
struct ClockPairs {
  std::vector<ClockPair> a_to_b;
  std::vector<ClockPair> b_to_a;
};

/// Times of clock A.
struct ClockSpan {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
};

enum class AlignmentQuality {
  kAbsent,       ///< no pairs, or they contradict one another
  kApproximate,  ///< packets of one direction alone: how long they took is not known
  kAccurate,     ///< both directions
};

/// What is known of the true line. Of one direction: it is nowhere further on that side.
enum class AlignmentBound { kNone, kAtMost, kAtLeast, kBothSides };

/// Shape: `accuracy_…` bound how far `map` is from the truth, of kAccurate alone, at the ends of
///        `span`; in between it is not more than on the straight line from one to the other.
struct ClockAlignment {
  AlignmentQuality quality = AlignmentQuality::kAbsent;
  AlignmentBound bound = AlignmentBound::kNone;
  ClockMap map;
  double drift_accuracy = 0;  ///< `map.drift` is not further from the truth
  ClockSpan span;
  uint64_t accuracy_begin_ns = 0;
  uint64_t accuracy_end_ns = 0;
  uint64_t a_to_b = 0;         ///< pairs used
  uint64_t b_to_a = 0;         ///< pairs used
  uint64_t contradicting = 0;  ///< pairs left out: received before they were sent, by all others
  uint64_t impossible = 0;     ///< pairs left out: times that no clock shows

  /// The widest within the span.
  uint64_t accuracy_ns() const {
    return accuracy_begin_ns > accuracy_end_ns ? accuracy_begin_ns : accuracy_end_ns;
  }
};

/// "accurate", "approximate: packets of one direction alone", …
std::string_view alignment_quality_text(const ClockAlignment& alignment);

/// The line in the middle of all that are possible, for the times of `span`, which is widened to
/// hold all pairs.
/// Errors: none. Pairs that cannot be true are left out and counted; where more than a third of
///         all would have to be, there is no alignment.
ClockAlignment align_clocks(const ClockPairs& pairs, ClockSpan span);

}  // namespace vmflow
