// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/anomaly.h"

#include <gtest/gtest.h>

#include <chrono>

#include "analysis/default_rules.h"
#include "analysis/exit_reason.h"
#include "tests/analysis/watched_host.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = WatchedHost::kSecond;

Rule ready(RuleTest test) {
  return {.name = "ready",
          .what = "waits",
          .why = "",
          .metric = "vmflow_vm_ready_by_culprit_seconds_total",
          .labels = {{"culprit", {"other_vm", "host_task"}}},
          .test = test,
          .threshold = 0.1,
          .for_seconds = 3};
}

/// One VM that is ready for so long in each second; the seconds in which something was found.
struct Watched {
  explicit Watched(const Rule& rule, uint32_t vms = 1) : host(vms), watch({rule}) {
    watch.look(host.model(), host.now_ns());
  }
  std::vector<Finding> second(double seconds_ready) {
    host.vm().culprit_ns[FLOW_CULPRIT_OTHER_VM] += ns_of(seconds_ready);
    const auto& model = host.pass();
    return watch.look(model, model.now_ns);
  }
  /// Returns the places of the values at which it fired.
  std::vector<int> play(const std::vector<double>& values) {
    std::vector<int> fired;
    for (size_t i = 0; i < values.size(); i++)
      for (auto& finding : second(values[i])) {
        fired.push_back(static_cast<int>(i));
        last = finding;
      }
    return fired;
  }
  void calm(int seconds, double value = 0) {
    for (int i = 0; i < seconds; i++) EXPECT_TRUE(second(value).empty()) << "second " << i;
  }

  WatchedHost host;
  AnomalyWatch watch;
  Finding last;
};

using Places = std::vector<int>;

TEST(Above, fires_once_when_it_has_lasted_long_enough) {
  Watched watched(ready(RuleTest::kAbove));
  EXPECT_EQ(watched.play({0, 0.2, 0.2, 0.2, 0.2, 0.2}), (Places{3}));
  EXPECT_EQ(watched.last.rule, "ready");
  EXPECT_EQ(watched.last.vm, "vm-0000");
  EXPECT_EQ(watched.last.name, "name of 0");
  EXPECT_NEAR(watched.last.value, 0.2, 1e-9);
  EXPECT_EQ(watched.last.threshold, 0.1);
  EXPECT_FALSE(watched.last.usual) << "absent, not zero";
  EXPECT_EQ(watched.last.since_ns, 1001 * kSecond) << "when the first such second began";
  EXPECT_EQ(watched.last.now_ns, 1004 * kSecond);
}

TEST(Above, a_break_begins_it_anew) {
  Watched watched(ready(RuleTest::kAbove));
  EXPECT_EQ(watched.play({0.2, 0.2, 0.05, 0.2, 0.2, 0.2}), (Places{5}));
}

TEST(Above, exactly_the_threshold_is_not_above_it) {
  Watched watched(ready(RuleTest::kAbove));
  EXPECT_EQ(watched.play({0.1, 0.1, 0.1, 0.1}), Places{});
}

TEST(Above, fires_again_only_after_it_was_well_below_for_as_long) {
  Watched watched(ready(RuleTest::kAbove));
  EXPECT_EQ(watched.play({0.2, 0.2, 0.2}), (Places{2}));
  // 0.09 is below the threshold, but not below 80 % of it.
  EXPECT_EQ(watched.play({0.09, 0.09, 0.09, 0.09, 0.2, 0.2, 0.2}), Places{}) << "never over";
  EXPECT_EQ(watched.play({0, 0, 0.2, 0.2, 0.2}), Places{}) << "over for too short a time";
  EXPECT_EQ(watched.play({0, 0, 0, 0.2, 0.2, 0.2}), (Places{5}));
}

TEST(Above, series_are_summed_and_only_those_that_match) {
  Watched watched(ready(RuleTest::kAbove));
  for (int i = 0; i < 3; i++) {
    watched.host.vm().culprit_ns[FLOW_CULPRIT_HOST_TASK] += ns_of(0.06);
    watched.host.vm().culprit_ns[FLOW_CULPRIT_OWN_VM] += ns_of(1);
    const auto found = watched.second(0.06);
    ASSERT_EQ(found.size(), i == 2 ? 1u : 0u) << i;
    for (const auto& finding : found) EXPECT_NEAR(finding.value, 0.12, 1e-9);
  }
}

TEST(Above, a_rate_is_by_the_time_that_went_by_not_by_the_look) {
  Watched watched(ready(RuleTest::kAbove));
  watched.host.model().now_ns += 3 * kSecond;  // this look comes after 4 s
  EXPECT_TRUE(watched.second(0.39).empty());
  watched.host.model().now_ns += 3 * kSecond;
  EXPECT_EQ(watched.second(0.41).size(), 1u);
}

TEST(Above, a_gauge_is_read_as_it_is) {
  auto rule = ready(RuleTest::kAbove);
  rule.metric = "vmflow_vm_open_wait_seconds";
  rule.labels = {{"state", {"ready"}}};
  rule.reading = RuleReading::kValue;
  rule.threshold = 2;
  rule.for_seconds = 1;
  Watched watched(rule);
  watched.host.vm().open_wait_ns[FLOW_READY] = ns_of(2.5);
  EXPECT_TRUE(watched.second(0).empty());
  watched.host.vm().open_wait_ns[FLOW_READY] = ns_of(3.5);
  const auto found = watched.second(0);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].value, 3.5);
  EXPECT_EQ(found[0].sentence, "name of 0 waits: 3.5 s for 1.0 s, 2 is the limit.");
}

TEST(Deviation, says_nothing_before_the_warm_up) {
  Watched watched(ready(RuleTest::kDeviation));
  watched.calm(29, 0.9);
}

TEST(Deviation, on_a_quiet_vm_the_floor_is_the_limit) {
  Watched watched(ready(RuleTest::kDeviation));
  watched.calm(40);
  EXPECT_EQ(watched.play({0.09, 0.09, 0.09, 0.09}), Places{}) << "MAD is 0, the floor is not";
  EXPECT_EQ(watched.play({0.5, 0.5, 0.5, 0.5}), (Places{2}));
  EXPECT_NEAR(watched.last.threshold, 0.1, 1e-6);
  ASSERT_TRUE(watched.last.usual);
  EXPECT_EQ(watched.last.usual->median, 0);
  EXPECT_EQ(watched.last.sentence,
            "name of 0 waits: 0.5 s/s for 3.0 s, 0.1 is the limit; 0 is usual for it.");
}

TEST(Deviation, what_is_always_so_is_no_finding_and_a_little_more_of_it_neither) {
  Watched watched(ready(RuleTest::kDeviation));
  watched.calm(40, 0.5);
  watched.calm(20, 0.59);
  EXPECT_EQ(watched.play({0.7, 0.7, 0.7}), (Places{2}));
  EXPECT_NEAR(watched.last.usual->median, 0.5, 0.1);
}

TEST(Deviation, a_vm_that_varies_must_deviate_by_more) {
  Watched watched(ready(RuleTest::kDeviation));
  for (int i = 0; i < 60; i++) watched.calm(1, 0.3 + 0.1 * (i % 3));
  // Median 0.4, MAD 0.1: six standard deviations are 0.89.
  EXPECT_EQ(watched.play({1.2, 1.2, 1.2, 1.2}), Places{});
  EXPECT_EQ(watched.play({1.4, 1.4, 1.4, 1.4}), (Places{2}));
}

TEST(Deviation, what_lasts_becomes_usual_and_is_told_no_more) {
  Watched watched(ready(RuleTest::kDeviation));
  watched.calm(100);
  EXPECT_EQ(watched.play(std::vector<double>(600, 0.5)), (Places{2}));
  EXPECT_EQ(watched.play({0.9, 0.9, 0.9}), (Places{2})) << "worse than what has become usual";
}

TEST(Anomaly, a_counter_that_falls_starts_again) {
  Watched watched(ready(RuleTest::kDeviation));
  watched.calm(60, 0.05);
  watched.host.vm().culprit_ns[FLOW_CULPRIT_OTHER_VM] = 0;
  watched.calm(25, 0.9);
}

TEST(Anomaly, a_vm_that_goes_is_forgotten) {
  Watched watched(ready(RuleTest::kAbove), 3);
  EXPECT_EQ(watched.watch.remembered(), 3u);
  auto gone = watched.host.model().vms.back();
  watched.host.model().vms.pop_back();
  watched.second(0);
  EXPECT_EQ(watched.watch.remembered(), 2u);
  // It comes again with what looks like a leap of its counter.
  gone.culprit_ns[FLOW_CULPRIT_OTHER_VM] += 100 * kSecond;
  watched.host.model().vms.push_back(gone);
  watched.calm(4);
}

TEST(Anomaly, series_that_come_late_are_not_a_leap) {
  auto rule = ready(RuleTest::kAbove);
  rule.metric = "vmflow_vm_disk_wait_for_others_seconds_total";
  rule.labels = {};
  Watched watched(rule);
  watched.calm(2);
  watched.host.vm().disk = DiskFlow{.waited_ns = 500 * kSecond};
  watched.calm(5);
}

TEST(Anomaly, a_look_at_the_same_time_changes_nothing) {
  Watched watched(ready(RuleTest::kAbove));
  watched.play({0.2, 0.2});
  watched.host.vm().culprit_ns[FLOW_CULPRIT_OTHER_VM] += ns_of(5);
  EXPECT_TRUE(watched.watch.look(watched.host.model(), watched.host.now_ns()).empty());
}

TEST(Anomaly, counts_what_it_has_done) {
  Watched watched(ready(RuleTest::kAbove), 2);
  watched.play({0.2, 0.2, 0.2, 0.2});
  ASSERT_EQ(watched.watch.counts().size(), 1u);
  EXPECT_EQ(watched.watch.counts()[0].evaluations, 8u);
  EXPECT_EQ(watched.watch.counts()[0].findings, 1u);
}

TEST(Anomaly, a_rule_that_is_off_is_not_there) {
  auto rule = ready(RuleTest::kAbove);
  rule.on = false;
  Watched watched(rule);
  EXPECT_TRUE(watched.watch.counts().empty());
  EXPECT_EQ(watched.play({1, 1, 1, 1}), Places{});
}

// The agent looks once a second; the figure is printed, the limit is for a busy machine.
TEST(Anomaly, a_look_at_two_hundred_vms_is_cheap) {
  WatchedHost host(200);
  for (uint32_t i = 0; i < 200; i++) {
    host.vm(i).label = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe" + host.vm(i).label.substr(3);
    for (uint32_t place = 0; place < kFoldedExits; place++)
      host.vm(i).folded_exits.push_back({"reason " + std::to_string(place), 0, 0});
    host.vm(i).disk = DiskFlow{};
  }
  AnomalyWatch watch(default_rules());
  constexpr int kLooks = 400;
  std::chrono::duration<double, std::milli> worst{0}, all{0};
  for (int look = 0; look < kLooks; look++) {
    for (uint32_t i = 0; i < 200; i++) {
      const auto part = ns_of(0.2 + 0.001 * ((look * 7 + i * 13) % 100));
      host.vm(i).culprit_ns[FLOW_CULPRIT_OTHER_VM] += part;
      host.vm(i).time.state_ns[FLOW_THROTTLED] += part;
      host.vm(i).folded_exits[0].ns += 2 * part;
      host.vm(i).disk->halted_ns += 2 * part;
      host.vm(i).block_ns[FLOW_BLOCK_IO] += part;
    }
    const auto& model = host.pass();
    const auto began = std::chrono::steady_clock::now();
    watch.look(model, model.now_ns);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    worst = std::max(worst, took);
    all += took;
  }
  RecordProperty("mean_us", static_cast<int>(all.count() * 1000 / kLooks));
  printf("a look at 200 VMs: %.2f ms on average, %.2f ms at worst\n", all.count() / kLooks,
         worst.count());
  EXPECT_LT(all.count() / kLooks, 50);
}

}  // namespace
}  // namespace vmflow::test
