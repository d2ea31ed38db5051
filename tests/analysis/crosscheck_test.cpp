// SPDX-License-Identifier: GPL-2.0-only
// The ledger against the replay: they agree when nothing is lost, and say so when something is.
#include "analysis/crosscheck.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/analysis/drawn_life.h"

namespace vmflow::test {
namespace {

/// A ledger that was kept live: a look at the beginning, one at the end, and the events in between.
struct Recorded {
  Snapshot first, last;
  std::vector<Event> events;
};

/// What all events until `ns` come to. Shape: identities are those that the kernel would have
/// given.
Snapshot look(const std::vector<Event>& events, uint64_t ns) {
  FlowReplay live;
  for (const auto& event : events)
    if (event.ns <= ns) live.step(event);
  Snapshot snapshot = std::move(live).finish().snapshot;
  snapshot.now_ns = ns;
  return snapshot;
}

Recorded recorded(uint32_t seed, bool told) {
  Recorded recorded;
  recorded.events = DrawnLife(seed, told).events(20'000);
  const uint64_t end_ns = recorded.events.back().ns;
  recorded.first = look(recorded.events, end_ns / 4);
  recorded.last = look(recorded.events, end_ns / 4 * 3);
  return recorded;
}

Crosscheck check(const Recorded& recorded, const std::vector<Event>& events,
                 TraceLosses losses = {}) {
  FlowReplay replay;
  replay.seed(recorded.first, recorded.last);
  for (const auto& event : events) replay.step(event);
  return crosscheck(recorded.first, recorded.last, std::move(replay).finish(), losses);
}

const Agreement& row(const Crosscheck& check, std::string_view quantity) {
  static const Agreement kNone;
  const auto found = std::ranges::find(check.rows, quantity, &Agreement::quantity);
  if (found != check.rows.end()) return *found;
  ADD_FAILURE() << "no row " << quantity;
  return kNone;
}

/// `events` without about one in `in`.
template <typename Test>
std::vector<Event> thinned(const std::vector<Event>& events, uint32_t in, Test test) {
  std::mt19937 random(7);
  std::vector<Event> left;
  for (const auto& event : events)
    if (!test(event) || random() % in != 0) left.push_back(event);
  return left;
}

const auto kAny = [](const Event&) { return true; };

bool mentions(const Crosscheck& check, std::string_view text) {
  return std::ranges::any_of(check.left_out, [&](const std::string& sentence) {
    return sentence.find(text) != std::string::npos;
  });
}

}  // namespace

TEST(Crosscheck, of_the_same_events_agrees_exactly) {
  for (const bool told : {true, false}) {
    const auto all = recorded(1, told);
    const auto result = check(all, all.events);
    EXPECT_EQ(result.vcpus, DrawnLife::kVcpus);
    for (const auto& agreement : result.rows) {
      EXPECT_EQ(agreement.disagreement_ratio, 0) << agreement.quantity << " " << agreement.where;
      EXPECT_TRUE(agreement.agrees());
    }
    EXPECT_GT(row(result, "exits").aggregate, 9000);
    EXPECT_EQ(row(result, "exits").aggregate, row(result, "exits").replay);
    EXPECT_EQ(result.rows.size(), told ? 5u : 4u);
  }
}

TEST(Crosscheck, that_begins_in_the_middle_of_a_trace_needs_nothing_before) {
  auto all = recorded(2, true);
  uint64_t least = ~0ull;
  for (const auto& copy : all.first.slots)
    least = std::min<uint64_t>(least, copy.slot.flow.last_ns);
  std::erase_if(all.events, [&](const Event& event) { return event.ns <= least; });
  for (const auto& agreement : check(all, all.events).rows)
    EXPECT_EQ(agreement.disagreement_ratio, 0) << agreement.quantity << " " << agreement.where;
}

TEST(Crosscheck, one_percent_of_lost_events_is_noticed) {
  for (const bool told : {true, false}) {
    const auto all = recorded(3, told);
    const auto result = check(all, thinned(all.events, 100, kAny), {.events = 100, .packets = 2});
    EXPECT_FALSE(row(result, "exits").agrees());
    EXPECT_FALSE(row(result, "state_seconds").agrees())
        << row(result, "state_seconds").where << row(result, "state_seconds").disagreement_ratio;
    EXPECT_TRUE(mentions(result, "lost 100 events and 2 packets"));
  }
}

TEST(Crosscheck, a_lost_kind_of_event_is_noticed_where_it_counts) {
  const auto all = recorded(4, true);
  const auto is_exit = [](const Event& e) { return std::holds_alternative<ExitEvent>(e.data); };
  EXPECT_FALSE(row(check(all, thinned(all.events, 50, is_exit)), "exits").agrees());
  const auto is_wake = [](const Event& e) {
    return std::holds_alternative<WakeEvent>(e.data) || std::holds_alternative<WakingEvent>(e.data);
  };
  EXPECT_FALSE(row(check(all, thinned(all.events, 20, is_wake)), "ready_seconds").agrees());
  auto other = all.events;
  for (auto& event : other)
    if (auto* wake = std::get_if<WakeEvent>(&event.data))
      wake->waker = flow_waker(1, FLOW_WAKE_PAGE);
  EXPECT_FALSE(row(check(all, other), "waits").agrees());
}

TEST(Crosscheck, an_event_at_each_edge_may_be_on_the_other_side) {
  auto all = recorded(5, false);
  // The other recorder read its clock a little later: the last event of the window is outside, the
  // one before its beginning inside.
  for (auto& event : all.events) event.ns += 1;
  for (const auto& agreement : check(all, all.events).rows)
    EXPECT_TRUE(agreement.agrees())
        << agreement.quantity << " " << agreement.where << " " << agreement.disagreement_ratio;
}

TEST(Crosscheck, a_long_sleep_that_ends_at_the_edge_is_not_lost_with_its_last_event) {
  const DrawnThread vcpu{101, 100, comm_of("CPU 0/KVM")}, main{100, 100, comm_of("qemu")};
  DrawnTrace trace;
  trace.on(0, vcpu, 0x1000).entry(100).exit(1000, 0x78).to(2000, kIdle, 1);
  Recorded all;
  all.events = trace.events;
  all.first = look(all.events, 2000);
  trace.on(3, main).wakes(900'000, vcpu, 0).on(0, kIdle).to(1'000'000, vcpu, 0);
  all.last = look(trace.events, 1'000'000);
  for (auto& event : trace.events) event.ns++;  // so the switch is after the window
  const auto result = check(all, trace.events);
  EXPECT_EQ(result.vcpus, 1u);
  EXPECT_TRUE(row(result, "state_seconds").agrees()) << row(result, "state_seconds").where;
  EXPECT_TRUE(row(result, "ready_seconds").agrees());
  EXPECT_NEAR(row(result, "ready_seconds").replay, 100e-6, 1e-6);
}

// LTTng beside the kernel side's ring: each reads the clock itself, half a microsecond apart.
TEST(Crosscheck, recorders_that_read_the_clock_one_after_the_other_agree) {
  for (const int64_t apart_ns : {-500, 500}) {
    auto all = recorded(9, true);
    for (auto& event : all.events) event.ns *= 1000;
    const uint64_t end_ns = all.events.back().ns;
    all.first = look(all.events, end_ns / 4);
    all.last = look(all.events, end_ns / 4 * 3);
    for (auto& event : all.events)
      if (std::holds_alternative<SwitchEvent>(event.data) ||
          std::holds_alternative<WakingEvent>(event.data))
        event.ns += static_cast<uint64_t>(apart_ns);
    std::ranges::stable_sort(all.events, {}, &Event::ns);
    FlowReplay replay({.outs_told = true});
    replay.seed(all.first, all.last);
    for (const auto& event : all.events) replay.step(event);
    const auto replayed = std::move(replay).finish();
    for (const auto& agreement : crosscheck(all.first, all.last, replayed).rows)
      EXPECT_TRUE(agreement.agrees()) << apart_ns << " " << agreement.quantity << " "
                                      << agreement.where << " " << agreement.disagreement_ratio;
  }
}

TEST(Crosscheck, a_trace_that_stops_early_disagrees) {
  auto all = recorded(6, true);
  const uint64_t end_ns = all.events.back().ns;
  std::erase_if(all.events, [&](const Event& event) { return event.ns > end_ns / 2; });
  const auto result = check(all, all.events);
  EXPECT_FALSE(row(result, "exits").agrees());
  EXPECT_FALSE(row(result, "state_seconds").agrees());
}

TEST(Crosscheck, what_an_lttng_trace_cannot_tell_is_left_out_in_words) {
  const auto rich = check(recorded(7, true), DrawnLife(7, true).events(20'000));
  EXPECT_FALSE(mentions(rich, "halt_poll"));
  const auto all = recorded(7, true);
  // The same run, as LTTng alone would have it.
  const auto plain = check(all, [&] {
    std::vector<Event> events;
    for (const auto& event : all.events)
      if (!std::holds_alternative<HaltEndEvent>(event.data) &&
          !std::holds_alternative<RunEvent>(event.data) &&
          !std::holds_alternative<VcpuOutEvent>(event.data) &&
          !std::holds_alternative<VcpuInEvent>(event.data) &&
          !std::holds_alternative<WakeEvent>(event.data))
        events.push_back(event);
    return events;
  }());
  EXPECT_TRUE(mentions(plain, "halt_poll"));
  EXPECT_TRUE(mentions(plain, "KVM_RUN"));
  EXPECT_TRUE(mentions(plain, "waits are not compared"));
  for (const auto& agreement : plain.rows)
    EXPECT_TRUE(agreement.agrees())
        << agreement.quantity << " " << agreement.where << " " << agreement.disagreement_ratio;
}

TEST(Crosscheck, follows_a_vcpu_from_its_first_event_if_it_came_in_between) {
  for (const bool told : {true, false}) {
    auto all = recorded(10, told);
    all.first = look(all.events, all.events.front().ns - 1);
    ASSERT_TRUE(all.first.slots.empty());
    const auto result = check(all, all.events);
    EXPECT_EQ(result.vcpus, DrawnLife::kVcpus);
    EXPECT_GT(row(result, "exits").aggregate, 9000);
    for (const auto& agreement : result.rows)
      EXPECT_EQ(agreement.disagreement_ratio, 0)
          << told << " " << agreement.quantity << " " << agreement.where;
    EXPECT_FALSE(row(check(all, thinned(all.events, 100, kAny)), "exits").agrees());
  }
}

TEST(Crosscheck, of_vcpus_that_a_look_does_not_tell_is_left_out) {
  auto all = recorded(8, true);
  all.first.slots.pop_back();
  const auto result = check(all, all.events);
  EXPECT_EQ(result.vcpus, DrawnLife::kVcpus - 1);
  EXPECT_TRUE(mentions(result, "1 vCPUs are not compared"));
  EXPECT_TRUE(check({}, {}).rows.empty());
}

}  // namespace vmflow::test
