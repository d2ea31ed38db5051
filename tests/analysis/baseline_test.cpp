// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/baseline.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr BaselineSpan kSpan{.window_seconds = 300, .warm_up_seconds = 30};

Baseline of(const std::vector<double>& values, const BaselineSpan& span = kSpan) {
  Baseline baseline;
  uint64_t now_ns = 7 * kSecond;
  for (const auto value : values) baseline.add(value, now_ns += kSecond, span);
  return baseline;
}

TEST(Baseline, median_and_mad_of_a_few_values) {
  EXPECT_EQ(of({3, 1, 2}).usual(), (Usual{.median = 2, .mad = 1}));
  EXPECT_EQ(of({1, 2, 3, 4}).usual(), (Usual{.median = 2.5, .mad = 1}));
  EXPECT_EQ(of({}).usual(), Usual{});
}

TEST(Baseline, one_wild_value_in_three_changes_little) {
  std::vector<double> values;
  for (int i = 0; i < 100; i++)
    for (const double value : {1.0, 1.5, 1000.0}) values.push_back(value);
  EXPECT_EQ(of(values).usual(), (Usual{.median = 1.5, .mad = 0.5}));
}

TEST(Baseline, what_is_older_than_the_window_is_forgotten) {
  std::vector<double> values(300, 5.0);
  values.insert(values.end(), 300, 7.0);
  EXPECT_EQ(of(values).usual(), (Usual{.median = 7, .mad = 0}));
  const BaselineSpan brief{.window_seconds = 10, .warm_up_seconds = 2};
  EXPECT_EQ(of({5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 7, 7, 7, 7, 7, 7, 7}, brief).usual().median, 7);
}

TEST(Baseline, a_window_of_an_hour_holds_no_more_values_than_one_of_minutes) {
  const BaselineSpan hour{.window_seconds = 3600, .warm_up_seconds = 30};
  std::vector<double> values(3600 / 2 + 100, 1.0);
  values.insert(values.end(), 3600 / 2 - 100, 2.0);
  EXPECT_EQ(of(values, hour).usual().median, 1) << "the first part is the larger one";
  values.insert(values.end(), 200, 2.0);
  EXPECT_EQ(of(values, hour).usual().median, 2);
}

TEST(Baseline, is_warm_after_the_warm_up) {
  EXPECT_FALSE(of({}).is_warm(kSpan));
  EXPECT_FALSE(of(std::vector<double>(30, 1.0)).is_warm(kSpan));
  EXPECT_TRUE(of(std::vector<double>(31, 1.0)).is_warm(kSpan));
}

TEST(Baseline, is_computed_anew_when_enough_is_new) {
  auto baseline = of(std::vector<double>(20, 1.0));
  EXPECT_EQ(baseline.usual().median, 1);
  for (uint64_t i = 0; i < 60; i++) baseline.add(2, (100 + i) * kSecond, kSpan);
  EXPECT_EQ(baseline.usual().median, 2);
}

}  // namespace
}  // namespace vmflow::test
