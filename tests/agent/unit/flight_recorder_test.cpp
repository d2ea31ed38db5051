// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/flight_recorder.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "agent/analyze/trace_analysis.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

/// What an agent would tell: a vCPU that leaves and enters its guest every 100 ns, up to `now`.
struct FakeLive {
  uint64_t now_ns = 10'000;
  std::vector<uint64_t> looks;    ///< that were kept
  std::vector<std::string> told;  ///< what the recorder asked for
  std::mutex mutex;

  Snapshot at(uint64_t ns) const {
    Snapshot snapshot;
    snapshot.now_ns = ns;
    snapshot.host.vendor = Vendor::kSvm;
    SlotCopy copy{.index = 1, .slot = {}};
    copy.slot.id = {
        .kvm = 1, .vcpu = 2, .taken_ns = 1, .tgid = 10, .tid = 11, .vcpu_id = 0, .generation = 1};
    for (uint64_t t = 100; t <= ns; t += 100)
      if (t / 100 % 2 == 1)
        flow_entry(&copy.slot.flow, t);
      else
        flow_exit(&copy.slot.flow, t, flow_exit_index(0, 0x72), 0);
    snapshot.slots.push_back(copy);
    auto& identity = snapshot.identities[{10, 1}];
    identity.name = "web";
    identity.pid = 10;
    return snapshot;
  }
  RingReading ring_from(uint64_t from_ns) const {
    RingReading reading;
    reading.whole_from[0] = from_ns;
    for (uint64_t t = from_ns; t <= now_ns; t += 100) {
      Event event{.ns = t, .cpu = 0, .tid = 11, .tgid = 10, .kvm = 1, .data = RunEvent{}};
      if (t / 100 % 2 == 1)
        event.data = EntryEvent{0};
      else
        event.data = ExitEvent{.code = 0x72, .isa = FLOW_ISA_SVM, .vcpu_id = 0};
      reading.events.push_back(event);
    }
    return reading;
  }
  void note(const std::string& what) {
    const std::lock_guard lock(mutex);
    told.push_back(what);
  }
  LiveSide side(uint64_t ring_from_ns, uint64_t grows_ns = 0) {
    return {.look =
                [this, grows_ns] {
                  note("look");
                  auto snapshot = at(now_ns);
                  now_ns += grows_ns;
                  return std::optional(snapshot);
                },
            .look_after = [this](uint64_t ns) -> std::optional<Snapshot> {
              for (const auto look : looks)
                if (look >= ns) return at(look);
              return std::nullopt;
            },
            .ring = [this, ring_from_ns] { return ring_from(ring_from_ns); },
            .set_recording = [this](bool on) { note(on ? "on" : "off"); },
            .has_ring = [] { return true; },
            .ring_span_ns = [] { return uint64_t{2'000'000'000}; },
            .ring_bytes = [] { return uint64_t{64'000}; }};
  }
};

struct Saved {
  TemporaryFolder folder;
  Result<RecordedTrace> trace = failure("not saved");
  std::string path() const { return folder.path() + "/snapshot"; }

  void save(FlightRecorder& recorder) {
    std::filesystem::create_directories(path() + "/trace");
    trace = recorder.save(path() + "/trace");
  }
  Result<TraceAnalysis> analyze() const {
    const auto aggregate = aggregate_beside({path()});
    if (!aggregate) return tl::unexpected(aggregate.error());
    return analyze_traces({path()}, *aggregate ? &**aggregate : nullptr, {});
  }
};

}  // namespace

TEST(FlightRecorder, saves_the_ring_and_a_window_that_lies_within_it) {
  FakeLive live;
  live.looks = {1'000, 4'000, 7'000};
  FlightRecorder recorder(live.side(3'000), nullptr, {.mode = TraceMode::flight});
  Saved saved;
  saved.save(recorder);
  ASSERT_TRUE(saved.trace) << saved.trace.error().message;
  EXPECT_EQ(saved.trace->parts, std::vector<std::string>{"ring"});
  EXPECT_EQ(saved.trace->first_ns, 3'000u);
  EXPECT_EQ(saved.trace->last_ns, 10'000u);
  EXPECT_GT(saved.trace->bytes, 0u);
  const auto aggregate = aggregate_beside({saved.path()});
  ASSERT_TRUE(aggregate && *aggregate);
  EXPECT_EQ((*aggregate)->first.now_ns, 4'000u) << "the oldest look behind the ring's first event";
  const auto analysis = saved.analyze();
  ASSERT_TRUE(analysis) << analysis.error().message;
  ASSERT_FALSE(analysis->check.rows.empty());
  for (const auto& row : analysis->check.rows) EXPECT_EQ(row.disagreement_ratio, 0) << row.quantity;
  EXPECT_EQ(analysis->check.rows[0].quantity, "exits");
  EXPECT_EQ(analysis->check.rows[0].aggregate, 30);
}

TEST(FlightRecorder, records_and_saves_nothing_while_it_costs_too_much) {
  FakeLive live;
  std::atomic<bool> may_record = true;
  auto side = live.side(3'000);
  side.may_record = [&] { return may_record.load(); };
  FlightRecorder recorder(side, nullptr, {.mode = TraceMode::flight});
  EXPECT_EQ(recorder.backend(), "ring");
  may_record = false;
  EXPECT_EQ(recorder.backend(), "none");
  for (const auto& backend : recorder.backends()) EXPECT_FALSE(backend.available) << backend.name;
  EXPECT_EQ(recorder.spans()[0].seconds, 0) << "what the ring holds is old";
  Saved saved;
  saved.save(recorder);
  ASSERT_FALSE(saved.trace);
  EXPECT_NE(saved.trace.error().message.find("--overhead.budget"), std::string::npos);
  const auto told_last = [&] {
    const std::lock_guard lock(live.mutex);
    return live.told.empty() ? "" : live.told.back();
  };
  for (int i = 0; i < 200 && told_last() != "off"; i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(told_last(), "off");
}

TEST(FlightRecorder, without_a_look_within_the_ring_holds_it_against_nothing) {
  FakeLive live;
  live.looks = {1'000};
  FlightRecorder recorder(live.side(3'000), nullptr, {.mode = TraceMode::flight});
  Saved saved;
  saved.save(recorder);
  ASSERT_TRUE(saved.trace);
  const auto analysis = saved.analyze();
  ASSERT_TRUE(analysis) << analysis.error().message;
  EXPECT_TRUE(analysis->check.rows.empty());
  ASSERT_EQ(analysis->report.vms.size(), 1u);
  EXPECT_EQ(analysis->report.vms[0].flow.name, "web") << "a trace without names";
}

// What an earlier trigger has left in the ring: a gap that nobody recorded lies between.
TEST(FlightRecorder, on_a_trigger_records_from_then_on_alone) {
  FakeLive live;
  FlightRecorder recorder(
      live.side(1'000, 2'000), nullptr,
      {.mode = TraceMode::on_trigger, .record_time = std::chrono::milliseconds(0)});
  Saved saved;
  saved.save(recorder);
  ASSERT_TRUE(saved.trace) << saved.trace.error().message;
  EXPECT_EQ(live.told, (std::vector<std::string>{"on", "look", "look", "off"}));
  EXPECT_EQ(saved.trace->first_ns, 10'000u);
  const auto aggregate = aggregate_beside({saved.path()});
  ASSERT_TRUE(aggregate && *aggregate);
  EXPECT_EQ((*aggregate)->first.now_ns, 10'000u);
  EXPECT_EQ((*aggregate)->last.now_ns, 12'000u);
}

TEST(FlightRecorder, with_nothing_recorded_says_so_and_leaves_nothing) {
  FakeLive live;
  live.now_ns = 0;
  FlightRecorder recorder(live.side(3'000), nullptr, {.mode = TraceMode::flight});
  Saved saved;
  saved.save(recorder);
  ASSERT_FALSE(saved.trace);
  EXPECT_EQ(saved.trace.error().message, "nothing was recorded yet");
  EXPECT_TRUE(std::filesystem::is_empty(saved.path() + "/trace"));
}

TEST(FlightRecorder, tells_its_rung_and_what_a_save_may_need) {
  FakeLive live;
  FlightRecorder recorder(live.side(0), nullptr, {.mode = TraceMode::flight});
  EXPECT_EQ(recorder.backend(), "ring");
  for (const auto& state : recorder.backends())
    EXPECT_EQ(state.available, state.name == "ring") << state.name;
  EXPECT_EQ(recorder.spans().at(0).seconds, 2);
  EXPECT_GE(recorder.expected_bytes(), 2u * 64'000);
}

}  // namespace vmflow::test
