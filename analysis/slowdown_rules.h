// SPDX-License-Identifier: GPL-2.0-only
// The one table of what slows a VM down: which time of it speaks for which cause.
//
// Work is no slowdown by itself. A VM that works all the time is limited by its own load only while
// nobody else takes a fifth of the time that it wants; the same holds for its disk. Whether it is
// its load or contention inside it, only evidence of its processes tells: without it, it is untold.
// But exits of one kind that take much of its CPU time are its own doing at any load.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "analysis/slowdown.h"
#include "analysis/slowdown_point.h"

namespace vmflow {

/// One row of the table. Shape: `text` goes on a sentence: "…, mostly because `text`".
struct SlowdownRule {
  SlowdownKind kind;
  std::string_view name;  ///< in JSON
  Cause cause;
  std::string_view text;
};

/// In the order of SlowdownKind.
std::span<const SlowdownRule> slowdown_rules();
const SlowdownRule& slowdown_rule(SlowdownKind kind);

/// The exits of one reason whose handling in KVM takes much of its CPU time; nullopt if none do.
/// Units: `ns` is that handling. Shape: few that take long are no storm.
std::optional<SlowdownPoint::Exit> exit_storm(const SlowdownPoint& happened);

/// What each kind took of `happened`. Shape: the sum is at most its time, of whose halts the disk's
/// time is a part.
SlowdownSums slowdown_of(const SlowdownPoint& happened,
                         const std::optional<GuestContention>& processes);

}  // namespace vmflow
