// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/program_meter.h"

#include <algorithm>

namespace vmflow {
namespace {

// A run that an interrupt of the host has lengthened is one of so many, at least; the mean follows
// what changes after as many.
constexpr uint64_t kRunsOfAMean = 64;

/// Of a run of a program that was never timed: as one of the others.
double mean_of_all(const ProgramCosts& costs) {
  uint64_t runs = 0, ns = 0;
  for (const auto& cost : costs) {
    runs += cost.timed_runs;
    ns += cost.timed_ns;
  }
  return runs == 0 ? 0 : static_cast<double>(ns) / static_cast<double>(runs);
}

}  // namespace

std::optional<std::array<double, FLOW_PROGS>> ProgramMeter::read(const ProgramCosts& costs) {
  const bool began_anew = std::ranges::any_of(
      programs_,
      [&, i = size_t{0}](const Program& p) mutable { return costs[i++].runs < p.last.runs; });
  if (began_anew) programs_ = {};
  std::array<double, FLOW_PROGS> spent_ns{};
  const double unknown_ns = mean_of_all(costs);
  for (size_t i = 0; i < FLOW_PROGS; i++) {
    auto& program = programs_[i];
    const auto& now = costs[i];
    const auto timed = now.timed_runs - program.base.timed_runs;
    if (timed != 0)
      program.mean_ns =
          static_cast<double>(now.timed_ns - program.base.timed_ns) / static_cast<double>(timed);
    if (timed >= kRunsOfAMean) program.base = now;
    const double mean_ns = now.timed_runs == 0 ? unknown_ns : program.mean_ns;
    spent_ns[i] = static_cast<double>(now.runs - program.last.runs) * mean_ns;
    program.last = now;
  }
  const bool is_first = began_anew || !has_read_;
  has_read_ = true;
  if (is_first) return std::nullopt;
  return spent_ns;
}

}  // namespace vmflow
