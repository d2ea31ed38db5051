// SPDX-License-Identifier: GPL-2.0-only
// No counter falls, and what must add up still does.
#pragma once

#include <cstdint>

#include "analysis/vcpu_totals.h"

namespace vmflow {

/// Raises every counter of `totals` that is below what was `reported`. An event that is seen late
/// turns time that was reported as one state into another: then the states that have grown give as
/// much as the others hold, so that their sum stays the time that has passed.
/// Shape: afterwards the parts of a state (time after exits, of polling, of a wait) still fit into
///        it. Returns how many counters were held.
uint64_t hold(VcpuTotals& totals, const VcpuTotals& reported);

}  // namespace vmflow
