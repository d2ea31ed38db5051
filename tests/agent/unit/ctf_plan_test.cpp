// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/ctf_plan.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

std::string drawn(const CtfPlan& plan) {
  std::string text;
  for (const auto& step : plan.steps) {
    const auto at = std::to_string(step.cpu) + "@" + std::to_string(step.ns);
    switch (step.kind) {
      case CtfStepKind::kBeginPacket:
        text += "[" + at + " ";
        break;
      case CtfStepKind::kEvent:
        text += "e" + std::to_string(step.number) + " ";
        break;
      case CtfStepKind::kEndPacket:
        text += at + "] ";
        break;
      case CtfStepKind::kLost:
        text += "lost" + std::to_string(step.number) + ":" + at + "-" +
                std::to_string(step.end_ns) + " ";
    }
  }
  return text;
}

std::vector<Event> events_at(const std::vector<std::pair<uint32_t, uint64_t>>& cpus_and_times) {
  std::vector<Event> events;
  for (const auto& [cpu, ns] : cpus_and_times)
    events.push_back({.ns = ns, .cpu = cpu, .tid = 0, .tgid = 0, .kvm = 0, .data = RunEvent{}});
  return events;
}

}  // namespace

TEST(CtfPlan, sorts_by_time_and_keeps_the_order_of_equal_times) {
  const auto events = events_at({{0, 300}, {0, 100}, {0, 300}, {0, 200}});
  EXPECT_EQ(drawn(plan_ctf(events, {})), "[0@100 e1 e3 e0 e2 0@300] ");
}

TEST(CtfPlan, cuts_each_cpus_stream_into_packets) {
  const auto events = events_at({{0, 100}, {1, 150}, {0, 200}, {0, 300}});
  EXPECT_EQ(drawn(plan_ctf(events, {}, 2)),
            "[0@100 e0 [1@150 e1 1@150] e2 0@200] [0@300 e3 0@300] ");
}

TEST(CtfPlan, tells_a_loss_between_the_first_two_packets) {
  const auto events = events_at({{0, 100}, {0, 200}, {0, 300}, {0, 400}});
  EXPECT_EQ(drawn(plan_ctf(events, {.lost = {{0, 9}}, .whole_from = {}}, 2)),
            "[0@100 e0 e1 0@200] lost9:0@200-400 [0@300 e2 e3 0@400] ");
}

TEST(CtfPlan, an_empty_packet_tells_since_when_a_cpus_events_are_all_there) {
  const auto events = events_at({{0, 100}, {1, 200}});
  EXPECT_EQ(drawn(plan_ctf(events, {.lost = {}, .whole_from = {{0, 40}, {1, 150}, {2, 300}}})),
            "[0@40 0@40] [0@100 e0 0@100] [1@150 1@150] [1@200 e1 1@200] [2@300 2@300] ");
}

TEST(CtfPlan, events_from_before_are_in_a_packet_of_their_own) {
  const auto events = events_at({{0, 100}, {0, 200}, {1, 210}, {0, 300}, {0, 400}, {0, 500}});
  EXPECT_EQ(drawn(plan_ctf(events, {.lost = {{0, 9}}, .whole_from = {{0, 250}}}, 3)),
            "[0@100 e0 e1 [1@210 e2 1@210] 0@250] [0@250 0@250] "
            "lost9:0@200-500 [0@300 e3 e4 e5 0@500] ");
}

TEST(CtfPlan, adds_an_empty_packet_for_a_loss_where_there_is_one_packet_or_none) {
  const auto events = events_at({{0, 100}, {0, 200}});
  EXPECT_EQ(drawn(plan_ctf(events, {.lost = {{0, 9}, {1, 5}}, .whole_from = {}})),
            "[1@100 1@100] [0@100 e0 e1 0@200] lost9:0@200-200 [0@200 0@200] "
            "lost5:1@100-200 [1@200 1@200] ");
}

TEST(CtfPlan, of_nothing_is_a_stream) {
  EXPECT_EQ(drawn(plan_ctf({}, {})), "[0@0 0@0] ");
}

}  // namespace vmflow::test
