// SPDX-License-Identifier: GPL-2.0-only
// Features of a recorded host (see recorded_hosts_test.cpp): its windows hold what the whole trace
// does.
#include "agent/analyze/trace_features.h"

#include <gtest/gtest.h>

#include <cmath>

#include "temporary_folder.h"

namespace vmflow::test {
namespace {

const std::vector<std::string> kServer = {std::string(RECORDED_HOSTS) + "/server"};

double value(const FeatureTable& table, const FeatureRow& row, const std::string& name) {
  for (size_t i = 0; i < table.columns.size(); i++)
    if (table.columns[i].name == name) return row.values.at(i);
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

TraceFeatures recorded(uint64_t every_ns) {
  auto features = trace_features("h", kServer, every_ns);
  if (!features) throw std::runtime_error(features.error().message);
  return std::move(*features);
}

/// Things of all windows.
double count_of(const FeatureTable& table, const std::string& name) {
  double sum = 0;
  for (const auto& row : table.rows)
    sum += value(table, row, name) * (row.end_seconds - row.begin_seconds);
  return sum;
}

}  // namespace

TEST(TraceFeatures, shares_of_a_window_are_all_of_it) {
  const auto features = recorded(200'000'000);
  EXPECT_GT(features.table.rows.size(), 10u);
  for (const auto& row : features.table.rows) {
    double sum = 0;
    for (const auto* name : {"guest", "nested", "root", "halted", "ready", "throttled", "blocked",
                             "paused", "unaccounted"})
      sum += value(features.table, row, std::string(name) + "_ratio");
    const double polled = value(features.table, row, "halt_poll_ratio");
    sum += std::isnan(polled) ? 0 : polled;
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_EQ(row.host, "h");
    EXPECT_EQ(row.name, "server");
    EXPECT_GT(row.begin_seconds, 1'600'000'000) << "Unix time";
    EXPECT_TRUE(std::isnan(value(features.table, row, "disk_read_per_second")));
  }
}

TEST(TraceFeatures, windows_together_hold_what_the_trace_does) {
  const auto whole = recorded(3'600'000'000'000), parts = recorded(10'000'000);
  ASSERT_EQ(whole.table.rows.size(), 1u);
  for (const auto* name : {"exits_per_second", "exits_hlt_per_second", "wait_net_per_second",
                           "interrupts_net_per_second"}) {
    const double all = count_of(whole.table, name), sum = count_of(parts.table, name);
    std::printf("     %s: %.1f in all, %.1f in windows of 10 ms\n", name, all, sum);
    EXPECT_LE(sum, all + 1e-3) << name;
    EXPECT_GE(sum, all - 20) << name << ": no more than a tail of 5 ms is left out";
  }
  const double waits = count_of(whole.table, "wait_net_per_second");
  EXPECT_GT(waits, 10) << "it is asked over the network";
  EXPECT_GE(count_of(whole.table, "interrupts_net_per_second"), waits);
}

TEST(TraceFeatures, what_is_no_trace_or_too_much_is_one_line) {
  const TemporaryFolder empty;
  const auto nothing = trace_features("h", {empty.path()}, 1'000'000'000);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().message.find('\n'), std::string::npos);
  const auto many = trace_features("h", kServer, 1000);
  ASSERT_FALSE(many);
  EXPECT_NE(many.error().message.find("--every"), std::string::npos) << many.error().message;
}

}  // namespace vmflow::test
