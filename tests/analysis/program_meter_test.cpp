// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/program_meter.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

ProgramCosts entries(uint64_t runs, uint64_t timed_runs, uint64_t timed_ns) {
  ProgramCosts costs{};
  costs[FLOW_PROG_ENTRY] = {runs, timed_runs, timed_ns};
  return costs;
}

double entry_ns(ProgramMeter& meter, const ProgramCosts& costs) {
  const auto spent = meter.read(costs);
  return spent ? (*spent)[FLOW_PROG_ENTRY] : -1;
}

}  // namespace

TEST(ProgramMeter, runs_cost_what_the_timed_ones_took) {
  ProgramMeter meter;
  EXPECT_FALSE(meter.read(entries(5000, 4, 800))) << "what was before the first reading is past";
  // 3000 runs of 200 ns: the mean of all six timed ones.
  EXPECT_DOUBLE_EQ(entry_ns(meter, entries(8000, 6, 1200)), 3000 * 200.0);
}

TEST(ProgramMeter, runs_of_which_none_was_timed_cost_what_earlier_ones_did) {
  ProgramMeter meter;
  meter.read(entries(0, 0, 0));
  EXPECT_EQ(entry_ns(meter, entries(100, 0, 0)), 0) << "nothing is known yet";
  meter.read(entries(1100, 1, 300));
  EXPECT_DOUBLE_EQ(entry_ns(meter, entries(1200, 1, 300)), 100 * 300.0);
}

TEST(ProgramMeter, runs_of_a_program_that_was_never_timed_cost_what_those_of_others_do) {
  ProgramMeter meter;
  meter.read(entries(0, 0, 0));
  auto costs = entries(2000, 2, 500);
  costs[FLOW_PROG_WAKING].runs = 70;
  EXPECT_DOUBLE_EQ((*meter.read(costs))[FLOW_PROG_WAKING], 70 * 250.0);
}

TEST(ProgramMeter, one_run_that_was_interrupted_is_one_of_many) {
  ProgramMeter meter;
  meter.read(entries(0, 0, 0));
  // 39 runs of 250 ns, and one that took a hundred times as long: 867 ns.
  const double mean = (39 * 250.0 + 25'000) / 40;
  EXPECT_DOUBLE_EQ(entry_ns(meter, entries(40'960, 40, 39 * 250 + 25'000)), 40'960 * mean);
}

TEST(ProgramMeter, the_mean_follows_a_program_that_becomes_cheaper) {
  ProgramMeter meter;
  meter.read(entries(0, 0, 0));
  meter.read(entries(102'400, 100, 100 * 500));
  EXPECT_DOUBLE_EQ(entry_ns(meter, entries(204'800, 200, 100 * 500 + 100 * 100)), 102'400 * 100.0);
}

TEST(ProgramMeter, counts_that_begin_anew_are_a_first_reading) {
  ProgramMeter meter;
  meter.read(entries(9000, 9, 900));
  EXPECT_FALSE(meter.read(entries(10, 1, 5000)));
  EXPECT_DOUBLE_EQ(entry_ns(meter, entries(20, 1, 5000)), 10 * 5000.0);
}

}  // namespace vmflow::test
