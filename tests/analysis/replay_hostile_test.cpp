// SPDX-License-Identifier: GPL-2.0-only
// Traces that lost, doubled and mixed up events, and traces that somebody made up.
#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "analysis/build_model.h"
#include "tests/analysis/drawn_life.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

uint64_t count(const ReplayResult& result, ReplayAnomaly anomaly) {
  return result.anomalies[static_cast<uint32_t>(anomaly)];
}

}  // namespace

/// A seed, and whether the kernel side's decisions are in the trace.
class BrokenTraces : public testing::TestWithParam<std::tuple<uint32_t, bool>> {
 protected:
  std::vector<Event> events() const {
    return DrawnLife(std::get<0>(GetParam()), std::get<1>(GetParam())).events(3000);
  }
};

TEST_P(BrokenTraces, conserve_time) {
  std::mt19937 random(std::get<0>(GetParam()));
  std::vector<Event> broken;
  for (const auto& event : events()) {
    if (random() % 10 == 0) continue;
    broken.push_back(event);
    if (random() % 50 == 0) broken.push_back(event);
    if (random() % 50 == 0 && broken.size() > 20)
      std::swap(broken.back(), broken[broken.size() - 1 - random() % 20]);
  }
  const auto result = replay(broken);
  EXPECT_GT(count(result, ReplayAnomaly::kOutOfOrder), 0u);
  EXPECT_EQ(result.vcpus.size(), DrawnLife::kVcpus);
  expect_conserved(result);
  build_model(result.snapshot, {});
}

TEST_P(BrokenTraces, that_are_whole_leave_nothing_unaccounted) {
  const auto result = replay(events());
  expect_conserved(result);
  for (const auto& copy : result.snapshot.slots) {
    EXPECT_EQ(copy.slot.flow.ns[FLOW_UNKNOWN], 0u);
    for (const auto anomaly : copy.slot.flow.anomaly) EXPECT_EQ(anomaly, 0u);
  }
  for (const auto anomaly : result.anomalies) EXPECT_EQ(anomaly, 0u);
}

INSTANTIATE_TEST_SUITE_P(FlowReplay, BrokenTraces,
                         testing::Combine(testing::Range(1u, 9u), testing::Bool()));

TEST(HostileTraces, a_million_events_of_a_vcpu_that_does_not_exist_are_one_vcpu) {
  FlowReplay replay;
  for (uint64_t i = 1; i <= 1'000'000; i++)
    replay.step({.ns = i, .cpu = 0, .tid = 4711, .tgid = 0, .kvm = 0, .data = EntryEvent{}});
  const auto result = std::move(replay).finish();
  EXPECT_EQ(result.vcpus.size(), 1u);
  EXPECT_EQ(count(result, ReplayAnomaly::kProcessUntold), 1u);
  EXPECT_EQ(flow_of(result, 4711).anomaly[FLOW_ENTRY_IN_GUEST], 999'999u);
}

TEST(HostileTraces, a_million_events_of_nobody_are_counted) {
  FlowReplay replay;
  for (uint64_t i = 1; i <= 1'000'000; i++)
    replay.step({.ns = i, .cpu = 0, .tid = 0, .tgid = 0, .kvm = 7, .data = UserspaceExitEvent{}});
  const auto result = std::move(replay).finish();
  EXPECT_EQ(result.vcpus.size(), 0u);
  EXPECT_EQ(count(result, ReplayAnomaly::kUnknownVcpu), 1'000'000u);
}

TEST(HostileTraces, a_new_vcpu_at_every_event_ends_at_the_limit) {
  FlowReplay replay({.max_vcpus = 100});
  for (uint32_t i = 1; i <= 300'000; i++)
    replay.step(
        {.ns = i, .cpu = 0, .tid = i, .tgid = i, .kvm = i, .data = EntryEvent{.vcpu_id = i}});
  for (uint32_t i = 1; i <= 300'000; i++)
    replay.step({.ns = 300'000 + i,
                 .cpu = 0,
                 .tid = 5,
                 .tgid = 5,
                 .kvm = 5,
                 .data = EntryEvent{.vcpu_id = i}});
  const auto result = std::move(replay).finish();
  EXPECT_EQ(result.vcpus.size(), 100u);
  EXPECT_GT(count(result, ReplayAnomaly::kTooManyVcpus), 599'000u);
}

TEST(HostileTraces, four_billion_cpus_threads_and_times_are_counted_and_cost_nothing) {
  FlowReplay replay;
  for (uint32_t i = 0; i < 100'000; i++) {
    const uint32_t absurd = ~i;
    replay.step({.ns = i + 1, .cpu = absurd, .tid = 1, .tgid = 1, .kvm = 0, .data = EntryEvent{}});
    replay.step({.ns = i + 1, .cpu = 0, .tid = absurd, .tgid = 1, .kvm = 0, .data = EntryEvent{}});
    replay.step(
        {.ns = ~uint64_t{i}, .cpu = 0, .tid = 1, .tgid = 1, .kvm = 0, .data = EntryEvent{}});
    replay.step({.ns = i + 1,
                 .cpu = 0,
                 .tid = 1,
                 .tgid = 1,
                 .kvm = 0,
                 .data = SwitchEvent{.prev_tid = 1,
                                     .next_tid = absurd,
                                     .prev_state = 0,
                                     .preempted = {},
                                     .prev_comm = {},
                                     .next_comm = {}}});
    replay.step({.ns = i + 1,
                 .cpu = 0,
                 .tid = 1,
                 .tgid = 1,
                 .kvm = 0,
                 .data = WakingEvent{.tid = 1, .target_cpu = absurd, .comm = {}}});
  }
  const auto result = std::move(replay).finish();
  EXPECT_EQ(result.vcpus.size(), 0u);
  EXPECT_EQ(count(result, ReplayAnomaly::kImpossibleCpu), 100'000u);
  EXPECT_EQ(count(result, ReplayAnomaly::kImpossibleThread), 200'000u);
  EXPECT_EQ(count(result, ReplayAnomaly::kImpossibleTime), 100'000u);
}

TEST(HostileTraces, a_state_that_nobody_goes_into_changes_nothing) {
  DrawnTrace trace;
  trace.on(0, {101, 100, {}}).entry(100);
  for (uint32_t state = 0; state < 20; state++)
    if (state != FLOW_READY && state != FLOW_HALTED && state != FLOW_VMM_BLOCKED &&
        state != FLOW_PAUSED)
      trace.at(200, VcpuOutEvent{.state = state, .block = ~0u, .throttled = true});
  const auto result = replay(trace.events);
  EXPECT_EQ(count(result, ReplayAnomaly::kImpossibleState), 16u);
  EXPECT_EQ(flow_of(result, 101).state, uint32_t{FLOW_GUEST});
}

TEST(HostileTraces, a_switch_with_such_a_state_is_decided_by_evidence) {
  const DrawnThread vcpu{101, 100, {}};
  DrawnTrace trace;
  trace.on(0, vcpu).entry(100).exit(150, 0x78);
  trace.at(200, VcpuOutEvent{.state = FLOW_GUEST, .block = 0, .throttled = false});
  trace.to(200, kIdle, 1);
  const auto result = replay(trace.events);
  EXPECT_EQ(count(result, ReplayAnomaly::kImpossibleState), 1u);
  EXPECT_EQ(flow_of(result, 101).state, uint32_t{FLOW_HALTED});
}

TEST(HostileTraces, events_that_all_happen_at_once_are_stepped_all) {
  FlowReplay replay;
  for (int i = 0; i < 200'000; i++) {
    replay.step({.ns = 5, .cpu = 0, .tid = 101, .tgid = 100, .kvm = 0, .data = EntryEvent{}});
    replay.step({.ns = 5, .cpu = 0, .tid = 101, .tgid = 100, .kvm = 0, .data = ExitEvent{}});
    replay.step({.ns = 5,
                 .cpu = 0,
                 .tid = 101,
                 .tgid = 100,
                 .kvm = 0,
                 .data = VcpuOutEvent{.state = FLOW_READY}});
  }
  EXPECT_EQ(flow_of(std::move(replay).finish(), 101).exits[0].count, 200'000u);
}

}  // namespace vmflow::test
