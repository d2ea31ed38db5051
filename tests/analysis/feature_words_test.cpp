// SPDX-License-Identifier: GPL-2.0-only
// Features in words, patterns of names, and how a column is scaled.
#include "analysis/feature_words.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "analysis/feature_catalog.h"
#include "analysis/feature_points.h"
#include "analysis/name_pattern.h"
#include "tests/analysis/made_up_vms.h"

namespace vmflow::test {

TEST(FeatureWords, say_what_is_how_much) {
  const std::tuple<const char*, double, const char*> all[] = {
      {"state_guest_ratio", 0.714, "71 % in the guest"},
      {"guest_ratio", 0.001, "<1 % in the guest"},
      {"wait_disk_ratio", 0.71, "71 % disk wait"},
      {"wait_passthrough_ratio", 0, "0 % passthrough wait"},
      {"wait_disk_mean_seconds", 0.0125, "mean disk wait 12.5 ms"},
      {"disk_read_per_second", 420, "420 disk reads/s"},
      {"disk_write_bytes_per_second", 3.21e6, "3.2 MB/s disk write"},
      {"disk_read_mean_seconds", 80e-9, "mean disk read 80 ns"},
      {"net_receive_per_second", 1.26, "1.3 network receive packets/s"},
      {"exits_cpuid_per_second", 9854, "9\u00a0854 cpuid exits/s"},
      {"preempted_other_vm_per_second", 98, "98 times/s its CPU lost to other vm"},
      {"interrupts_timer_per_second", 250, "250 timer interrupts/s"},
      {"halt_poll_waste_ratio", 0.05, "5 % polling in vain"},
      {"made_up_ratio", 0.5, "50 % made up"},
      {"made_up", 1234.5, "made_up 1.23e+03"},
      {"wait__ratio", 1e30, "1e+32 % wait "},
      {"", 1, " 1"}};
  for (const auto& [name, value, words] : all) EXPECT_EQ(feature_text(name, value), words) << name;
}

TEST(FeatureWords, speak_for_a_kind_of_load) {
  const std::pair<const char*, const char*> all[] = {
      {"state_guest_ratio", "CPU-bound"},
      {"guest_ratio", "CPU-bound"},
      {"wait_disk_ratio", "disk-bound"},
      {"disk_write_bytes_per_second", "disk-bound"},
      {"wait_net_per_second", "network-bound"},
      {"net_transmit_per_second", "network-bound"},
      {"wait_timer_ratio", "timer-driven"},
      {"interrupts_timer_per_second", "timer-driven"},
      {"exits_msr_per_second", "exit-heavy"},
      {"state_vmm_ratio", "exit-heavy"},
      {"state_halted_ratio", "idle"},
      {"idle_ratio", "idle"},
      {"state_throttled_ratio", "short of CPU"},
      {"exits_hlt_per_second", ""},
      {"wait_unknown_ratio", ""},
      {"disk_read_mean_seconds", ""},
      {"something_else", ""}};
  for (const auto& [name, cause] : all) EXPECT_EQ(feature_kind(name).cause, cause) << name;
}

TEST(FeatureWords, are_there_for_each_feature_of_the_catalog) {
  for (const auto& feature : feature_catalog())
    EXPECT_NE(feature_words(feature.column.name), feature.column.name);
  const std::pair<const char*, const char*> kinds[] = {
      {"guest_ratio", "in the guest"},          {"nested_ratio", "in guests of its own"},
      {"root_ratio", "in KVM and the VMM"},     {"halted_ratio", "asleep"},
      {"blocked_ratio", "blocked in the host"}, {"ready_ratio", "without a CPU"}};
  const auto catalog = feature_catalog();
  for (const auto& [name, words] : kinds) {
    EXPECT_EQ(feature_words(name), words);
    EXPECT_TRUE(std::ranges::any_of(
        catalog, [&](const Feature& feature) { return feature.column.name == name; }))
        << name << " is no feature any more";
  }
}

TEST(FeatureWords, of_any_number_are_some) {
  for (const auto* name : {"a_ratio", "a_seconds", "a_per_second", "a_bytes_per_second", "a"})
    for (const double value : {-1e30, -1.0, -1e-9, 1e-30, 0.95, 999.4, 999.6, 1e15, 1e18, 1e30})
      EXPECT_LT(feature_amount(name, value).size(), 40u) << name << " " << value;
}

TEST(NamePattern, a_star_is_anything) {
  for (const auto* pattern :
       {"*", "wait_*", "*_ratio", "wait_disk_ratio", "w*d*k*o", "**", "*i*i*"})
    EXPECT_TRUE(name_matches("wait_disk_ratio", pattern)) << pattern;
  for (const auto* pattern : {"", "wait", "wait_", "*wait", "w?it_*", "wait_disk_ratio_*_", "*x*"})
    EXPECT_FALSE(name_matches("wait_disk_ratio", pattern)) << pattern;
  EXPECT_TRUE(name_matches("", "*"));
  EXPECT_FALSE(name_matches(std::string(30000, 'a'), "*a*a*a*a*a*a*b")) << "and soon";
}

// 1 to 9: the median 5, the quartiles 3 and 7.
TEST(FeaturePoints, count_from_the_median_on_by_the_distance_of_the_quartiles) {
  auto table = table_of({"a"});
  for (int i = 1; i <= 9; i++) add_row(table, {double(i)});
  const auto points = feature_points(table, {0}).scaled;
  for (int i = 1; i <= 9; i++)
    EXPECT_DOUBLE_EQ(points.at[size_t(i) - 1], std::asinh((i - 5) / 4.0));
}

// Ninety-eight of 0.02 and two of 0.5: quartiles that are nearer than a hundredth count as that.
TEST(FeaturePoints, differences_that_are_too_small_to_matter_are_not_blown_up) {
  auto table = table_of({"wait_disk_ratio", "other"});
  for (int i = 0; i < 98; i++) add_row(table, {0.02 + 1e-6 * i, 1});
  for (int i = 0; i < 2; i++) add_row(table, {0.5, 1 + 50});
  const auto points = feature_points(table, {0, 1}).scaled;
  EXPECT_LT(std::abs(points.point(0)[0]), 0.01);
  EXPECT_NEAR(points.point(99)[0], std::asinh(48), 0.01);
  EXPECT_NEAR(points.point(99)[1], std::asinh(50 / (2 * 50 / 100.0)), 1e-9)
      << "without a distance of the quartiles, the mean distance from the median";
}

TEST(FeaturePoints, windows_count_by_their_lengths_where_they_are_known) {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  auto table = table_of({"a", "b", "c"});
  add_row(table, {1, unknown, unknown}, "vm");
  add_row(table, {5, 7, unknown}, "vm");
  table.rows[1].begin_seconds = 60;
  table.rows[1].end_seconds = 80;
  add_row(table, {5, 7, 1}, "vm");
  table.rows[2].host = "another host";
  const auto means = mean_of_windows(table);
  ASSERT_EQ(means.rows.size(), 2u);
  EXPECT_DOUBLE_EQ(means.rows[0].values[0], (60 * 1 + 20 * 5) / 80.0);
  EXPECT_EQ(means.rows[0].values[1], 7);
  EXPECT_TRUE(std::isnan(means.rows[0].values[2]));
  EXPECT_EQ(means.rows[0].end_seconds, 80);
}

TEST(FeaturePoints, median_is_the_middle) {
  EXPECT_EQ(median_of({3, 1, 2}), 2);
  EXPECT_EQ(median_of({4, 1, 2, 3}), 2.5);
  EXPECT_TRUE(std::isnan(median_of({})));
}

}  // namespace vmflow::test
