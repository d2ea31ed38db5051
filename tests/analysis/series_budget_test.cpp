// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/series_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace vmflow::test {
namespace {

using Out = std::vector<bool>;

const std::vector<SeriesWish> kWishes = {
    {MetricDetail::kAlways, 100},    {MetricDetail::kVmSingles, 50},
    {MetricDetail::kVmCauses, 200},  {MetricDetail::kVmDevices, 300},
    {MetricDetail::kVmDevices, 350}, {MetricDetail::kVmWaits, 0}};

TEST(SeriesBudget, nothing_is_left_out_up_to_the_limit) {
  EXPECT_EQ(left_out(kWishes, 1000, {}), Out(6));
  EXPECT_EQ(left_out({}, 0, {}), Out());
}

TEST(SeriesBudget, the_finest_detail_goes_first_and_of_that_the_last) {
  EXPECT_EQ(left_out(kWishes, 999, {}), (Out{false, true, false, false, false, false}));
  EXPECT_EQ(left_out(kWishes, 950, {}), (Out{false, true, false, false, true, false}));
  EXPECT_EQ(left_out(kWishes, 602, {}), (Out{false, true, false, false, true, false}));
  EXPECT_EQ(left_out(kWishes, 601, {}), (Out{false, true, false, true, true, false}));
}

TEST(SeriesBudget, each_metric_that_is_left_out_costs_the_series_that_tells_so) {
  EXPECT_EQ(left_out(kWishes, 303, {}), (Out{false, true, false, true, true, false}));
  EXPECT_EQ(left_out(kWishes, 302, {}), (Out{false, true, true, true, true, false}));
}

TEST(SeriesBudget, what_tells_who_the_vms_are_stays_whatever_the_limit) {
  EXPECT_EQ(left_out(kWishes, 0, {}), (Out{false, true, true, true, true, false}));
}

TEST(SeriesBudget, what_was_left_out_comes_back_when_a_tenth_of_the_limit_is_free) {
  const Out before = left_out(kWishes, 999, {});
  EXPECT_EQ(left_out(kWishes, 1000, before), before);
  EXPECT_EQ(left_out(kWishes, 1110, before), before);
  EXPECT_EQ(left_out(kWishes, 1111, before), Out(6));
  EXPECT_EQ(left_out(kWishes, 1000, Out(6)), Out(6)) << "it was never left out";
}

TEST(SeriesBudget, a_histogram_has_a_series_for_each_bucket_the_sum_and_the_count) {
  const auto series_of_seven = [](std::string_view name) {
    const auto metric = std::ranges::find(metric_catalog(), name, &Metric::name);
    return metric == metric_catalog().end() ? 0 : series_of(*metric, 7);
  };
  EXPECT_EQ(series_of_seven("vmflow_vm_exits_total"), 7u);
  EXPECT_EQ(series_of_seven("vmflow_vm_exit_duration_seconds"), 7 * (9u + 2));
  EXPECT_EQ(series_of_seven("vmflow_vm_wait_duration_seconds"), 7 * (9u + 2));
}

}  // namespace
}  // namespace vmflow::test
