// SPDX-License-Identifier: GPL-2.0-only
// Ranks and groups of small graphs, solved on paper. t is what each process has of its own:
// (0.15 + 0.85 * the rank of those who wake nobody) / n; it follows from the sum, which is 1.
#include "analysis/process_rank.h"

#include <gtest/gtest.h>

#include <numeric>

namespace vmflow::test {
namespace {

using Groups = std::vector<uint32_t>;
using Flags = std::vector<bool>;

constexpr uint32_t kA = 0, kB = 1, kC = 2, kD = 3;
constexpr double kExact = 1e-9;

void expect_ranks(const WakeGraph& graph, const std::vector<double>& expected) {
  const auto ranks = rank_processes(graph).rank;
  ASSERT_EQ(ranks.size(), expected.size());
  for (size_t i = 0; i < expected.size(); i++) EXPECT_NEAR(ranks[i], expected[i], kExact) << i;
  EXPECT_NEAR(std::accumulate(ranks.begin(), ranks.end(), 0.0), 1, kExact);
}

}  // namespace

// A = t, B = t + 0.85 A = 1.85 t, C = t + 0.85 B = 2.5725 t; all 5.4225 t = 1.
TEST(ProcessRank, of_a_chain_grows_towards_its_end) {
  const WakeGraph chain{3, {{kA, kB, 1}, {kB, kC, 1}}};
  expect_ranks(chain, {1 / 5.4225, 1.85 / 5.4225, 2.5725 / 5.4225});
  EXPECT_EQ(rank_processes(chain).group, (Groups{0, 0, 0}));
}

// Each hands on to the next what it has: all alike, t + 0.85 R = R, R = t / 0.15 = 1/3.
TEST(ProcessRank, of_a_cycle_is_the_same_all_around) {
  expect_ranks({3, {{kA, kB, 7}, {kB, kC, 1}, {kC, kA, 2}}}, {1 / 3.0, 1 / 3.0, 1 / 3.0});
}

// A = t, the others t + 0.85 A / 3 = 1.28333 t; all 4.85 t = 1. The other way round the middle has
// t + 3 * 0.85 t = 3.55 t, and all 6.55 t = 1.
TEST(ProcessRank, of_a_star_is_split_among_its_ends_or_gathers_in_the_middle) {
  const double end = (1 + 0.85 / 3) / 4.85;
  expect_ranks({4, {{kA, kB, 1}, {kA, kC, 1}, {kA, kD, 1}}}, {1 / 4.85, end, end, end});
  expect_ranks({4, {{kB, kA, 1}, {kC, kA, 1}, {kD, kA, 1}}},
               {3.55 / 6.55, 1 / 6.55, 1 / 6.55, 1 / 6.55});
}

TEST(ProcessRank, of_a_symmetric_pair_is_a_half_each) {
  expect_ranks({2, {{kA, kB, 1}, {kB, kA, 1}}}, {0.5, 0.5});
}

// A = B = t + 0.85 A = t / 0.15, C = t, D = 1.85 t; all (2 / 0.15 + 2.85) t = 1.
TEST(ProcessRank, of_two_pieces_is_defined_and_each_is_a_group) {
  const WakeGraph pieces{4, {{kC, kD, 1}, {kA, kB, 1}, {kB, kA, 1}}};
  const double all = 2 / 0.15 + 2.85;
  expect_ranks(pieces, {1 / 0.15 / all, 1 / 0.15 / all, 1 / all, 1.85 / all});
  EXPECT_EQ(rank_processes(pieces).group, (Groups{0, 0, 1, 1})) << "the best-ranked one's first";
}

// A = t, B = t + 0.85 * 3/4 A, C = t + 0.85 * 1/4 A; all 3.85 t = 1.
TEST(ProcessRank, is_handed_on_by_how_often_each_is_woken) {
  expect_ranks({3, {{kA, kB, 1}, {kA, kC, 1}, {kA, kB, 2}}},
               {1 / 3.85, 1.6375 / 3.85, 1.2125 / 3.85});
}

// Nobody wakes anybody: all are ends, R = 1/n.
TEST(ProcessRank, without_wakeups_is_even_and_nobody_is_kept) {
  const WakeGraph graph{4, {}};
  expect_ranks(graph, {0.25, 0.25, 0.25, 0.25});
  const auto ranks = rank_processes(graph);
  EXPECT_EQ(ranks.group, (Groups{0, 1, 2, 3}));
  EXPECT_EQ(ranks.alone, (Flags{true, true, true, true}));
  EXPECT_EQ(ranks.kept, (Flags{false, false, false, false}));
  EXPECT_TRUE(rank_processes({}).rank.empty());
}

TEST(ProcessRank, leaves_out_what_tells_nothing) {
  const WakeGraph graph{2, {{kA, kA, 9}, {kA, kB, 0}, {kA, 7, 1}, {7, kB, 1}}};
  EXPECT_EQ(rank_processes(graph), rank_processes({2, {}}));
}

// In group k of seven, k processes wake one: that has t (1 + 0.85 k), they have t. So the five best
// are the woken ones of the groups 7, 6, 5, 4, 3.
TEST(ProcessRank, keeps_the_groups_of_the_five_best_whole) {
  WakeGraph graph;
  std::vector<bool> expected;
  std::vector<uint32_t> groups;
  for (uint32_t k = 1; k <= 7; k++) {
    const auto woken = graph.processes++;
    for (uint32_t i = 0; i < k; i++) graph.edges.push_back({graph.processes++, woken, 1});
    expected.insert(expected.end(), k + 1, k >= 3);
    groups.insert(groups.end(), k + 1, 7 - k);
  }
  const auto ranks = rank_processes(graph);
  EXPECT_EQ(ranks.kept, expected);
  EXPECT_EQ(ranks.group, groups);
}

TEST(ProcessRank, of_many_processes_is_settled) {
  WakeGraph graph{4096, {}};
  for (uint32_t i = 0; i + 1 < graph.processes; i++) graph.edges.push_back({i, i + 1, 1});
  const auto ranks = rank_processes(graph).rank;
  EXPECT_NEAR(std::accumulate(ranks.begin(), ranks.end(), 0.0), 1, kExact);
  EXPECT_NEAR(ranks[4095], ranks[4000], kExact) << "far from the begin each has t / 0.15";
}

}  // namespace vmflow::test
