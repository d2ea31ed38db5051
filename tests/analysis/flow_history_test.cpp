// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/analysis/watched_host.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = WatchedHost::kSecond;

double rate_of(const std::vector<double>& rate, const std::string& column) {
  const auto& names = history_columns();
  const auto found = std::ranges::find(names, column);
  if (found == names.end() || rate.empty()) return -1;
  return rate[static_cast<size_t>(found - names.begin())];
}

double rate_of(const HistoryRow& row, const std::string& column) {
  return rate_of(std::vector<double>(row.rate.begin(), row.rate.end()), column);
}

TEST(FlowHistory, columns_have_names_of_their_own) {
  const auto& names = history_columns();
  const std::set<std::string> unlike(names.begin(), names.end());
  EXPECT_EQ(unlike.size(), names.size());
}

TEST(FlowHistory, a_row_has_what_was_added_a_second) {
  WatchedHost host(1);
  FlowHistory history;
  host.vm().time.state_ns[FLOW_READY] = 100 * kSecond;
  history.add(host.pass());
  host.vm().time.state_ns[FLOW_READY] += kSecond / 2;
  host.vm().folded_exits = {{"cpuid", 3001, kSecond}};
  host.model().now_ns += kSecond;  // two seconds go by
  history.add(host.pass());
  const auto& rows = history.vms().at("vm-0000").rows;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].from_ns, 1001 * kSecond);
  EXPECT_EQ(rows[0].to_ns, 1003 * kSecond);
  EXPECT_EQ(rate_of(rows[0], "state.ready"), 0.25);
  EXPECT_EQ(rate_of(rows[0], "exits"), 1500.5);
  EXPECT_EQ(rate_of(rows[0], "exit_seconds"), 0.5);
  EXPECT_EQ(rate_of(rows[0], "state.guest"), 0);
}

TEST(FlowHistory, holds_its_span_and_no_more) {
  WatchedHost host(2);
  FlowHistory history(10 * kSecond);
  for (int i = 0; i < 100; i++) history.add(host.pass());
  for (const auto& [label, vm] : history.vms()) EXPECT_EQ(vm.rows.size(), 10u) << label;
}

TEST(FlowHistory, a_vm_that_is_gone_is_kept_until_its_rows_are_too_old) {
  WatchedHost host(2);
  FlowHistory history(10 * kSecond);
  for (int i = 0; i < 20; i++) history.add(host.pass());
  host.model().vms.pop_back();
  for (int i = 0; i < 9; i++) history.add(host.pass());
  EXPECT_EQ(history.vms().size(), 2u);
  history.add(host.pass());
  EXPECT_EQ(history.vms().size(), 1u);
}

TEST(FlowHistory, counters_that_fall_start_again) {
  WatchedHost host(1);
  FlowHistory history;
  host.vm().time.state_ns[FLOW_READY] = 100 * kSecond;
  for (int i = 0; i < 5; i++) history.add(host.pass());
  host.vm().time.state_ns[FLOW_READY] = 0;
  history.add(host.pass());
  EXPECT_TRUE(history.vms().at("vm-0000").rows.empty());
  history.add(host.pass());
  EXPECT_EQ(history.vms().at("vm-0000").rows.size(), 1u);
}

TEST(FlowHistory, more_vms_than_it_holds_are_counted) {
  WatchedHost host(FlowHistory::kMostVms + 5);
  FlowHistory history;
  history.add(host.pass());
  EXPECT_EQ(history.vms().size(), size_t{FlowHistory::kMostVms});
  EXPECT_EQ(history.left_out(), 5u);
}

TEST(FlowHistory, a_mean_is_over_the_rows_in_between) {
  WatchedHost host(1);
  FlowHistory history;
  history.add(host.model());  // 1000 s
  for (const double ready : {0.0, 0.0, 1.0, 0.5}) {
    host.vm().time.state_ns[FLOW_READY] += ns_of(ready);
    history.add(host.pass());
  }
  const auto& vm = history.vms().at("vm-0000");
  const auto before = mean_of(vm, 0, 1002 * kSecond);
  EXPECT_EQ(rate_of(before.rate, "state.ready"), 0);
  EXPECT_EQ(before.from_ns, 1000 * kSecond);
  EXPECT_EQ(before.to_ns, 1002 * kSecond);
  EXPECT_EQ(rate_of(mean_of(vm, 1002 * kSecond, 1004 * kSecond).rate, "state.ready"), 0.75);
  EXPECT_TRUE(mean_of(vm, 2000 * kSecond, 3000 * kSecond).rate.empty()) << "absent, not zero";
}

}  // namespace
}  // namespace vmflow::test
