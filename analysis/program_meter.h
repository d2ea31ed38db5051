// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side's programs cost, of which one run in FLOW_SAMPLE_EVERY times itself.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "bpf/records.h"

namespace vmflow {

/// Counts since the programs were loaded, by enum flow_program.
using ProgramCosts = std::array<program_cost, FLOW_PROGS>;

/// Estimates how long programs have run between two readings. Blind: how a run is called and what
/// it does before it reads the clock; runs that leave without having anything to do.
class ProgramMeter {
 public:
  /// Nanoseconds of each program since the last reading; nullopt at the first, and where counts
  /// have begun anew.
  std::optional<std::array<double, FLOW_PROGS>> read(const ProgramCosts& costs);

 private:
  struct Program {
    program_cost last{};
    program_cost base{};  ///< timed runs since then give the mean
    double mean_ns = 0;   ///< of a run, as known last
  };
  std::array<Program, FLOW_PROGS> programs_{};
  bool has_read_ = false;
};

}  // namespace vmflow
