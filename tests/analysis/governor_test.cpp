// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/governor.h"

#include <gtest/gtest.h>

#include <vector>

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kAll = (1u << FLOW_DETAILS) - 1;

/// A host of one CPU whose programs take what the test says; every run is timed.
struct Host {
  Governor governor;
  bool records = true;
  uint64_t now_ns = kSecond;
  ProgramCosts costs{};

  explicit Host(std::optional<double> budget) : governor({.budget_ratio = budget, .cpus = 1}) {
    governor.tick(now_ns, costs, records);
  }
  /// A second in which `program` takes `share` of the CPU. Returns whether something changed.
  bool second(double share, flow_program program = FLOW_PROG_ENTRY) {
    return second({{program, share}});
  }
  bool second(const std::vector<std::pair<flow_program, double>>& shares) {
    now_ns += kSecond;
    for (const auto& [program, share] : shares) {
      // 100 ns each, as many as that takes.
      const auto runs = static_cast<uint64_t>(share * 1e7);
      costs[program].runs += runs;
      costs[program].timed_runs += runs;
      costs[program].timed_ns += runs * 100;
    }
    return governor.tick(now_ns, costs, records);
  }
  /// Seconds until something changes, `most` if nothing does.
  int seconds_until_change(double share, int most, flow_program program = FLOW_PROG_ENTRY) {
    for (int i = 1; i <= most; i++)
      if (second(share, program)) return i;
    return most;
  }
  uint32_t given_up() const { return governor.given_up(); }
  OverheadState state() const { return governor.flow().state; }
};

uint32_t bit(flow_detail detail) {
  return 1u << detail;
}

}  // namespace

TEST(Governor, tells_what_the_programs_take_also_without_a_budget) {
  Host host(std::nullopt);
  EXPECT_FALSE(host.second(0.9));
  EXPECT_NEAR(host.governor.flow().cost_ratio, 0.9, 1e-6);
  EXPECT_EQ(host.state(), OverheadState::kOff);
}

TEST(Governor, a_share_is_one_of_all_cpus) {
  Governor governor({.budget_ratio = 0.1, .cpus = 4});
  ProgramCosts costs{};
  governor.tick(kSecond, costs, true);
  costs[FLOW_PROG_EXIT] = {1'000'000, 1'000, 200'000};
  governor.tick(2 * kSecond, costs, true);
  EXPECT_DOUBLE_EQ(governor.flow().cost_ratio, 0.2 / 4);
}

TEST(Governor, within_the_budget_nothing_is_given_up) {
  Host host(0.1);
  EXPECT_EQ(host.seconds_until_change(0.1, 1000), 1000);
  EXPECT_EQ(host.given_up(), 0u);
  EXPECT_EQ(host.state(), OverheadState::kWithinBudget);
}

TEST(Governor, the_more_is_too_much_the_sooner_something_goes) {
  EXPECT_EQ(Host(0.01).seconds_until_change(0.9, 100), 1);
  EXPECT_EQ(Host(0.1).seconds_until_change(0.2, 100), 2);
  EXPECT_NEAR(Host(0.1).seconds_until_change(0.11, 100), 20, 1);
}

TEST(Governor, a_burst_that_is_soon_over_costs_nothing) {
  Host host(0.1);
  for (int i = 0; i < 100; i++) {
    EXPECT_FALSE(host.second(0.25)) << i;
    EXPECT_FALSE(host.second(0));
    EXPECT_FALSE(host.second(0));
  }
}

TEST(Governor, an_impossible_budget_takes_one_step_a_second_until_nothing_is_left) {
  Host host(0);
  const std::vector<std::pair<flow_program, double>> storm = {
      {FLOW_PROG_ENTRY, 0.3}, {FLOW_PROG_ACCEPT, 0.2}, {FLOW_PROG_WAKING, 0.2}};
  std::vector<uint32_t> given_up;
  for (int i = 0; i < 5; i++) {
    host.second(storm);
    given_up.push_back(host.given_up());
  }
  EXPECT_EQ(given_up, (std::vector<uint32_t>{1, 3, 7, 15, 15}));
  EXPECT_EQ(host.state(), OverheadState::kNothingLeft);
  EXPECT_EQ(host.governor.flow().steps_down, 4u);
}

TEST(Governor, only_what_has_a_part_in_the_cost_is_given_up) {
  Host exits(0.001);
  for (int i = 0; i < 10; i++) exits.second(0.5, FLOW_PROG_ENTRY);
  EXPECT_EQ(exits.given_up(), bit(FLOW_DETAIL_RECORDER) | bit(FLOW_DETAIL_DURATIONS));
  Host packets(0.001);
  packets.records = false;
  for (int i = 0; i < 10; i++) packets.second(0.5, FLOW_PROG_PACKET);
  EXPECT_EQ(packets.given_up(), bit(FLOW_DETAIL_DEVICES));
  Host switches(0.001);
  switches.records = false;
  for (int i = 0; i < 10; i++) switches.second(0.5, FLOW_PROG_SWITCH);
  EXPECT_EQ(switches.given_up(), 0u) << "who held the CPU is never given up";
  EXPECT_EQ(switches.state(), OverheadState::kNothingLeft);
}

TEST(Governor, what_went_last_comes_back_first_once_the_cost_is_half_the_budget) {
  Host host(0.1);
  while (host.given_up() != 3) host.second(0.9);
  EXPECT_EQ(host.seconds_until_change(0.06, 500), 500) << "not far enough below the budget";
  EXPECT_EQ(host.state(), OverheadState::kHolding);
  EXPECT_EQ(host.seconds_until_change(0.04, 500), 10);
  EXPECT_EQ(host.given_up(), bit(FLOW_DETAIL_RECORDER));
  EXPECT_EQ(host.seconds_until_change(0.04, 500), 10);
  EXPECT_EQ(host.given_up(), 0u);
  EXPECT_EQ(host.state(), OverheadState::kWithinBudget);
  EXPECT_EQ(host.governor.flow().steps_up, 2u);
}

TEST(Governor, a_budget_of_nothing_is_kept_by_what_costs_nothing) {
  Host host(0);
  host.second(0.5);
  ASSERT_NE(host.given_up(), 0u);
  EXPECT_EQ(host.seconds_until_change(0, 100), 10);
  EXPECT_EQ(host.given_up(), 0u);
}

// A host at the border would else give up and take back every ten seconds.
TEST(Governor, what_has_to_go_again_soon_comes_back_later_each_time) {
  Host host(0.1);
  std::vector<int> held;
  for (int i = 0; i < 9; i++) {
    host.seconds_until_change(0.9, 100);
    held.push_back(host.seconds_until_change(0.01, 2000));
  }
  EXPECT_EQ(held, (std::vector<int>{10, 20, 40, 80, 160, 320, 600, 600, 600}));
  // After a minute of peace it begins anew.
  for (int i = 0; i < 61; i++) host.second(0.01);
  host.seconds_until_change(0.9, 100);
  EXPECT_EQ(host.seconds_until_change(0.01, 2000), 10);
}

TEST(Governor, several_steps_down_in_one_storm_make_the_way_back_no_slower) {
  Host host(0.1);
  while (host.given_up() != 3) host.second(0.9);
  EXPECT_EQ(host.seconds_until_change(0, 100), 10);
  EXPECT_EQ(host.seconds_until_change(0, 100), 10);
}

TEST(Governor, programs_that_were_loaded_anew_and_a_clock_that_stands_still_change_nothing) {
  Host host(0.1);
  for (int i = 0; i < 100; i++) host.second(0.05);
  host.costs = {};
  EXPECT_FALSE(host.second(0.9)) << "the first reading of new counts tells no cost";
  EXPECT_FALSE(host.governor.tick(host.now_ns, host.costs, true));
  EXPECT_EQ(host.given_up() & kAll, 0u);
}

}  // namespace vmflow::test
