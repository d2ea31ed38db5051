// SPDX-License-Identifier: GPL-2.0-only
// Holds what the kernel side costs to a budget. Detail is given up one step at a time, the dearest
// first and only what would help; the last that went is the first to come back. The ledger, exits
// by reason and who held the CPU are never given up.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/overhead_flow.h"
#include "analysis/program_meter.h"

namespace vmflow {

struct GovernorOptions {
  /// Share of the host's CPU time; absent: there is no budget. Shape: 0 to 1.
  std::optional<double> budget_ratio;
  uint32_t cpus = 1;
};

class Governor {
 public:
  explicit Governor(GovernorOptions options);

  /// Once a second. `records`: the flight recorder does, or would if it were not given up.
  /// Units: `now_ns` is CLOCK_MONOTONIC. Returns true if given_up() has changed.
  bool tick(uint64_t now_ns, const ProgramCosts& costs, bool records);

  /// Bits of enum flow_detail.
  uint32_t given_up() const { return flow_.given_up; }
  const OverheadFlow& flow() const { return flow_; }

 private:
  using Spent = std::array<double, FLOW_PROGS>;

  bool over(uint64_t now_ns, double seconds, double overrun, const Spent& spent, bool records);
  bool within(uint64_t now_ns, double seconds, double use);
  std::optional<flow_detail> next(const Spent& spent, bool records) const;

  const GovernorOptions options_;
  ProgramMeter meter_;
  OverheadFlow flow_;
  std::vector<flow_detail> steps_;  ///< what is given up, in that order
  uint64_t last_ns_ = 0;
  double overrun_seconds_ = 0;  ///< budgets' worth of cost above the budget, times how long
  double calm_seconds_ = 0;     ///< well within it
  double hold_seconds_ = 0;     ///< of calm before something comes back
  uint64_t came_back_ns_ = 0;   ///< when something did last; 0: never
};

}  // namespace vmflow
