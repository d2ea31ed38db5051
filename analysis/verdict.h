// SPDX-License-Identifier: GPL-2.0-only
// Why a VM was slow in a trace, by the rules that judge live VMs, in one sentence with the numbers
// that say so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "analysis/flow_model.h"
#include "analysis/shown_name.h"
#include "analysis/slowdown_ranking.h"

namespace vmflow {

/// Units: vCPU time; the cause took `cost_ns` of `of_ns` in all. `lost_ns` is what the worst cause
///        took that is not the VM's own work.
/// Shape: kUnknown is not enough evidence; `second` as in SlowdownRanking.
struct Verdict {
  Cause cause = Cause::kUnknown;
  uint64_t cost_ns = 0;
  uint64_t of_ns = 0;
  uint64_t lost_ns = 0;
  CauseTime second;
  std::string sentence;
};

/// What slowed a VM most, from its sums over some time that is over, and from how much its
/// processes waited for one another, if that is told: slowdown_ranking() of slowdown_of() it.
/// Shape:  the sentence is that of the kind that took most of the cause's time.
/// Errors: none; of less than a tenth of a second nothing is known.
Verdict verdict_of(const VmFlow& vm, std::span<const NamedCulprit> culprits,
                   const std::optional<GuestContention>& processes);

}  // namespace vmflow
