// SPDX-License-Identifier: GPL-2.0-only
// Groups of made-up VMs whose kinds are known.
#include "analysis/clusters.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <limits>

#include "tests/analysis/made_up_vms.h"

namespace vmflow::test {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// Five kinds, of 20 to 200 VMs, in ten features.
MadeUpVms five_kinds() {
  return made_up(numbered_columns("feature_", 10), strewn_kinds({200, 120, 80, 40, 20}, 10, 6), 1);
}

// Three kinds of waits; the first has three kinds of exits, the second two, the third one. The
// waits differ far more than the exits.
MadeUpVms nested_kinds() {
  std::vector<std::string> columns = numbered_columns("wait_", 5);
  for (const auto& name : numbered_columns("exits_", 5)) columns.push_back(name);
  const auto waits = strewn_kinds({0, 0, 0}, 5, 12), exits = strewn_kinds({0, 0, 0}, 5, 5, 3);
  std::vector<Kind> kinds;
  const std::pair<size_t, size_t> both[] = {{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 2}, {2, 1}};
  for (const auto& [wait, exit] : both) {
    auto middle = waits[wait].middle;
    middle.insert(middle.end(), exits[exit].middle.begin(), exits[exit].middle.end());
    kinds.push_back({60 - 5 * kinds.size(), middle});
  }
  return made_up(columns, kinds, 1);
}

std::string problem(const FeatureTable& table, const ClusterOptions& options = {}) {
  return cluster_vms(table, options).problem;
}

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

}  // namespace

TEST(Clusters, one_stage_tells_five_kinds) {
  const auto vms = five_kinds();
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.problem, "");
  const double rand = adjusted_rand(all.cluster_of, vms.kind);
  std::printf("     adjusted Rand index %.3f, %zu groups, silhouette %.3f, needed %.3f\n", rand,
              all.clusters.size(), all.stages[0].choice.silhouette, all.stages[0].choice.needed);
  EXPECT_GE(rand, 0.95);
  EXPECT_EQ(all.clusters.size(), 5u) << "chosen by the silhouette";
  EXPECT_EQ(all.clusters[0].rows.size(), 200u) << "the largest first";
  EXPECT_EQ(all.clusters[4].id, "5");
}

TEST(Clusters, two_stages_tell_kinds_within_kinds) {
  const auto vms = nested_kinds();
  const auto all = cluster_vms(vms.table, {.stages = 2, .coarse = {"wait_*"}});
  ASSERT_EQ(all.problem, "");
  const double rand = adjusted_rand(all.cluster_of, vms.kind);
  std::printf("     adjusted Rand index %.3f, %zu groups\n", rand, all.clusters.size());
  EXPECT_GE(rand, 0.95);
  std::string ids;
  for (const auto& cluster : all.clusters) ids += cluster.id + " ";
  EXPECT_EQ(ids, "1.1 1.2 1.3 2.1 2.2 3 ");
  ASSERT_EQ(all.stages.size(), 4u) << "the coarse one, and one within each of its groups";
  EXPECT_TRUE(all.stages[2].choice.is_told);
  EXPECT_FALSE(all.stages[3].choice.is_told) << "one kind of exits";
}

TEST(Clusters, a_given_number_of_groups_is_kept) {
  const auto vms = five_kinds();
  const auto all = cluster_vms(vms.table, {.groups = 3});
  EXPECT_EQ(all.clusters.size(), 3u);
  EXPECT_TRUE(all.stages[0].choice.is_given);
  EXPECT_EQ(cluster_vms(vms.table, {.groups = 1}).clusters.size(), 1u);
  EXPECT_LE(cluster_vms(vms.table, {.most_groups = 4}).clusters.size(), 4u);
}

// In one dimension and in many, even and heaped, few and many: what has no groups is one.
TEST(Clusters, vms_without_groups_are_one_and_it_says_so) {
  for (const size_t columns : {1u, 2u, 10u, 40u})
    for (const size_t vms : {8u, 40u, 600u}) {
      const auto kinds = made_up(numbered_columns("feature_", columns),
                                 {{vms, std::vector<double>(columns)}}, 1, 11 + columns);
      const auto all = cluster_vms(kinds.table, {});
      EXPECT_EQ(all.clusters.size(), 1u) << columns << " columns, " << vms << " VMs";
      ASSERT_EQ(all.notes.size(), 1u);
      expect_in(all.notes[0], "no groups are told apart");
    }
}

TEST(Clusters, three_of_a_hundred_are_a_group_though_no_quartile_sees_them) {
  const auto vms = made_up({"wait_disk_ratio", "state_guest_ratio"},
                           {{97, {0.02, 0.6}}, {3, {0.71, 0.2}}}, 0.01);
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.clusters.size(), 2u);
  EXPECT_EQ(all.clusters[1].rows, (std::vector<size_t>{97, 98, 99}));
  EXPECT_EQ(all.clusters[1].cause, "disk-bound");
  expect_in(all.clusters[1].sentence, "disk-bound, 3 VMs: 7");
  expect_in(all.clusters[1].sentence, "% disk wait (others 2 %)");
}

TEST(Clusters, are_called_after_what_sets_them_apart) {
  const std::vector<std::string> columns = {
      "state_guest_ratio", "state_halted_ratio", "wait_disk_ratio",       "wait_net_ratio",
      "wait_timer_ratio",  "state_kvm_ratio",    "exits_cpuid_per_second"};
  const std::vector<std::pair<std::string, std::vector<double>>> kinds = {
      {"CPU-bound", {0.95, 0.02, 0, 0, 0.02, 0.02, 20}},
      {"disk-bound", {0.20, 0.75, 0.71, 0, 0.04, 0.03, 20}},
      {"network-bound", {0.25, 0.70, 0, 0.6, 0.1, 0.03, 20}},
      {"timer-driven", {0.20, 0.75, 0, 0, 0.75, 0.04, 20}},
      {"exit-heavy", {0.30, 0.10, 0, 0, 0.1, 0.6, 30000}},
      {"idle", {0.01, 0.98, 0, 0, 0.97, 0.01, 20}}};
  std::vector<Kind> made;
  for (const auto& [cause, middle] : kinds) made.push_back({10, middle});
  const auto vms = made_up(columns, made, 0.004);
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.clusters.size(), kinds.size());
  for (const auto& cluster : all.clusters)
    EXPECT_EQ(cluster.cause, kinds[vms.kind[cluster.rows[0]]].first) << cluster.sentence;
}

// Two groups that sleep, one of them with its disk.
TEST(Clusters, vms_that_sleep_are_idle_though_others_sleep_too) {
  const auto vms = made_up({"state_halted_ratio", "wait_timer_ratio", "wait_disk_ratio"},
                           {{20, {0.98, 0.97, 0}}, {10, {0.93, 0.3, 0.6}}}, 0.004);
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.clusters.size(), 2u);
  EXPECT_EQ(all.clusters[0].cause, "idle");
  EXPECT_EQ(all.clusters[1].cause, "disk-bound");
}

TEST(Clusters, one_that_is_far_from_its_group_is_named_with_what_it_differs_in) {
  auto vms = five_kinds();
  vms.table.rows[7].values[3] += 60;
  const auto all = cluster_vms(vms.table, {});
  const auto& cluster = all.clusters[all.cluster_of[7]];
  ASSERT_EQ(cluster.outliers.size(), 1u);
  EXPECT_EQ(cluster.outliers[0].row, 7u);
  EXPECT_EQ(cluster.outliers[0].column, 3u);
  EXPECT_GT(cluster.outliers[0].times, 1.5);
}

TEST(Clusters, windows_of_a_vm_are_one_row_unless_each_is_wanted) {
  auto table = table_of({"a", "b"});
  for (int i = 0; i < 12; i++) {
    add_row(table, {(i < 6 ? 1.0 : 9.0) + 0.1 * i, i < 6 ? 0.0 : 1.0}, fmt::format("vm-{}", i % 6));
    table.rows.back().begin_seconds = 60 * (i / 6);
    table.rows.back().end_seconds = 60 * (i / 6) + 60;
  }
  const auto vms = cluster_vms(table, {});
  EXPECT_EQ(vms.table.rows.size(), 6u);
  EXPECT_EQ(vms.table.rows[0].end_seconds, 120);
  const auto windows = cluster_vms(table, {.each_window = true});
  EXPECT_EQ(windows.table.rows.size(), 12u);
  EXPECT_EQ(windows.clusters.size(), 2u);
}

TEST(Clusters, without_vms_or_with_one_there_is_nothing_to_compare) {
  auto table = table_of({"a"});
  EXPECT_EQ(problem(table), "the table has no VM");
  add_row(table, {1}, "vm-0");
  EXPECT_EQ(problem(table), "there is one VM only, and nothing to compare it with");
  add_row(table, {2}, "vm-0");
  EXPECT_EQ(problem(table), "there is one VM only, and nothing to compare it with");
  EXPECT_EQ(problem(table, {.each_window = true}), "");
  EXPECT_EQ(problem({}), "the table has no features");
}

TEST(Clusters, two_vms_are_one_group) {
  auto table = table_of({"a"});
  add_row(table, {1});
  add_row(table, {2});
  EXPECT_EQ(cluster_vms(table, {}).clusters.size(), 1u);
  EXPECT_EQ(cluster_vms(table, {.groups = 2}).clusters.size(), 2u);
  EXPECT_EQ(cluster_vms(table, {.groups = 5}).clusters.size(), 1u) << "they are two";
}

TEST(Clusters, columns_that_are_the_same_for_all_are_dropped_and_named) {
  auto vms = five_kinds();
  for (auto& row : vms.table.rows) row.values[4] = 0.5;
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.dropped.size(), 1u);
  EXPECT_EQ(all.dropped[0].name, "feature_4");
  EXPECT_EQ(all.dropped[0].why, "0.5 for all");
  EXPECT_GE(adjusted_rand(all.cluster_of, vms.kind), 0.95);
  for (auto& row : vms.table.rows) row.values.assign(10, 3);
  expect_in(problem(vms.table), "nothing tells the 460 VMs apart");
}

TEST(Clusters, a_stage_without_its_columns_says_which_there_are) {
  const auto vms = five_kinds();
  EXPECT_EQ(problem(made_up({"exits_a", "other"}, {{4, {1, 2}}}, 1).table, {.stages = 2}),
            "no column is called 'wait_*' or '*_ratio', by which the coarse stage groups; there "
            "are: exits_a, other");
  expect_in(problem(made_up({"wait_a"}, {{4, {1}}}, 1).table, {.stages = 2}),
            "no column is called 'exits_*', by which the fine stage groups; there are: wait_a");
  expect_in(problem(vms.table, {.coarse = {"feature_1", "disk_*"}}), "'disk_*', by which the only");
  expect_in(problem(vms.table, {.stages = 1, .fine = {"feature_*"}}), "two stages");
  EXPECT_EQ(problem(vms.table, {.stages = 2, .coarse = {"feature_1*"}, .fine = {"*_2"}}), "");
}

TEST(Clusters, values_that_are_not_known_count_as_the_median_of_their_column) {
  auto vms = five_kinds();
  Noise noise(5);
  for (auto& row : vms.table.rows) row.values[size_t(noise.part() * 10)] = kUnknown;
  for (auto& row : vms.table.rows)
    if (noise.part() < 0.6) row.values[9] = kUnknown;
  const auto all = cluster_vms(vms.table, {});
  ASSERT_EQ(all.dropped.size(), 1u) << "more than half is not known";
  EXPECT_EQ(all.dropped[0].name, "feature_9");
  expect_in(all.dropped[0].why, "not known for ");
  EXPECT_GE(adjusted_rand(all.cluster_of, vms.kind), 0.9);
}

TEST(Clusters, vms_of_which_nothing_is_known_are_left_out_and_counted) {
  auto vms = five_kinds();
  vms.table.rows[0].values.assign(10, kUnknown);
  const auto all = cluster_vms(vms.table, {});
  EXPECT_EQ(all.table.rows.size(), 459u);
  ASSERT_EQ(all.notes.size(), 1u);
  EXPECT_EQ(all.notes[0], "1 VM left out: no feature of them is known");
  for (auto& row : vms.table.rows) row.values.assign(10, kUnknown);
  EXPECT_EQ(problem(vms.table), "no feature of any VM is known");
}

TEST(Clusters, numbers_of_any_size_give_finite_groups) {
  auto table = table_of({"a", "b", "wait_disk_ratio"});
  const double values[] = {0, 1e30, -1e30, 1e-300, 5e-324, 1, -0.0, 1e15};
  for (const double a : values)
    for (const double b : values) add_row(table, {a, b, a});
  const auto all = cluster_vms(table, {});
  ASSERT_EQ(all.problem, "");
  for (const auto distance : all.distance) EXPECT_TRUE(std::isfinite(distance));
  for (const auto x : all.plot.x) EXPECT_TRUE(std::isfinite(x));
}

}  // namespace vmflow::test
