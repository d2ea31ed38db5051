// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side costs beside what it may cost, and what it gives up for that.
#pragma once

#include <cstdint>
#include <optional>

namespace vmflow {

/// Why the detail is what it is: a closed set.
enum class OverheadState : uint32_t {
  kOff,           ///< there is no budget
  kWithinBudget,  ///< nothing is given up
  kOverBudget,    ///< more will be given up if this lasts
  kHolding,       ///< cheap enough again: what was given up comes back if this lasts
  kNothingLeft,   ///< above the budget, and nothing that is left to give up would help
};
constexpr uint32_t kOverheadStates = 5;

/// Units: shares of the host's CPU time, which is the wall time of all its CPUs.
struct OverheadFlow {
  std::optional<double> budget_ratio;  ///< absent: none
  double cost_ratio = 0;               ///< of the programs, in the last second
  uint32_t given_up = 0;               ///< bits of enum flow_detail
  OverheadState state = OverheadState::kOff;
  uint64_t steps_down = 0;
  uint64_t steps_up = 0;
};

}  // namespace vmflow
