// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/trigger_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>

#include "tests/agent/unit/fake_recorder.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 60s;  // never waited for unless something hangs

struct Looping {
  explicit Looping(uint32_t per_hour = 100, bool with_store = true,
                   decltype(TriggerParts::analyze) analyze = {}) {
    TriggerParts parts;
    parts.limits.per_hour = per_hour;
    if (with_store)
      parts.store = std::move(*SnapshotStore::open(folder.path() + "/snapshots",
                                                   {.quota_bytes = 1 << 20, .min_free_bytes = 0}));
    else
      parts.off_because = "the folder is on the moon";
    parts.recorder = std::make_unique<FakeRecorder>(trace);
    parts.context = [] { return SnapshotContext{.now_ns = 42, .version = "1.2.3"}; };
    parts.clock = {.mono_ns = [this] { return now_ns.load(); },
                   .unix_seconds = [] { return 1'700'000'000.0; }};
    parts.triggers = {"rule", "http"};
    parts.analyze = std::move(analyze);
    loop = std::make_unique<TriggerLoop>(std::move(parts));
  }
  Asked ask(const std::string& trigger = "rule", const std::string& vm = "vm") {
    return loop->request({.trigger = trigger,
                          .vm = vm,
                          .name = "its name",
                          .reason = "because",
                          .manual = false,
                          .finding = std::nullopt});
  }
  void hold() {
    const std::lock_guard lock(trace->mutex);
    trace->held = true;
  }
  TriggerFlow trigger(const std::string& name = "rule") const {
    for (const auto& trigger : loop->flow().triggers)
      if (trigger.name == name) return trigger;
    return {};
  }
  BackendFlow backend(const std::string& name = "fake") const {
    for (const auto& backend : loop->flow().backends)
      if (backend.name == name) return backend;
    return {};
  }
  nlohmann::json finding(const std::string& id) const {
    return nlohmann::json::parse(loop->store()->read(id, "finding.json").value_or("null"));
  }

  TemporaryFolder folder;
  std::shared_ptr<FakeTrace> trace = std::make_shared<FakeTrace>();
  std::atomic<uint64_t> now_ns{1'000'000'000'000};
  std::unique_ptr<TriggerLoop> loop;
};

TEST(TriggerLoop, takes_what_is_asked_for) {
  Looping looping;
  const auto id = looping.ask();
  ASSERT_TRUE(id) << id.error().message;
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  const auto finding = looping.finding(*id);
  EXPECT_EQ(finding["id"], *id);
  EXPECT_EQ(finding["trigger"], "rule");
  EXPECT_EQ(finding["vm"]["name"], "its name");
  EXPECT_EQ(finding["trace"]["backend"], "fake");
  EXPECT_EQ(finding["trace"]["parts"][0], "trace/kernel");
  EXPECT_EQ(looping.loop->store()->files_of(*id),
            (std::vector<std::string>{"finding.json", "history.json", "trace/kernel/channel0_0"}));
  EXPECT_EQ(looping.loop->find(*id)->state, SnapshotState::kComplete);
  EXPECT_EQ(looping.trigger().fired, 1u);
  EXPECT_EQ(looping.trigger().last_snapshot_unix_seconds, 1'700'000'000.0);
  EXPECT_EQ(looping.backend().snapshots, 1u);
  EXPECT_EQ(looping.backend().events_lost, 3u);
  EXPECT_GT(looping.backend().written_bytes, 0u);
  const auto flow = looping.loop->flow();
  EXPECT_EQ(flow.stored_snapshots, 1u);
  ASSERT_EQ(flow.links.size(), 1u);
  EXPECT_EQ(flow.links[0].snapshot, *id);
}

TEST(TriggerLoop, what_is_complete_is_analyzed_and_keeps_its_report) {
  std::filesystem::path analyzed;
  Looping looping(
      100, true, [&](const auto& folder, const auto& go_on) -> Result<SnapshotAnalysis> {
        analyzed = folder;
        EXPECT_TRUE(go_on());
        EXPECT_TRUE(std::filesystem::exists(folder / "finding.json")) << "it is there already";
        looping.now_ns += 2'000'000'000;
        return SnapshotAnalysis{.html = "<p>page</p>",
                                .json = "{}",
                                .finding = "It is slow.",
                                .disagreements = {{"exits", 0.25}},
                                .events = 77};
      });
  const auto id = looping.ask();
  ASSERT_TRUE(id);
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(analyzed, looping.loop->store()->folder() / *id);
  EXPECT_EQ(looping.loop->store()->read(*id, "report.html"), "<p>page</p>");
  EXPECT_EQ(looping.loop->store()->read(*id, "report.json"), "{}");
  const auto analyses = looping.loop->flow().analyses;
  EXPECT_EQ(analyses.done, 1u);
  EXPECT_EQ(analyses.failed, 0u);
  EXPECT_EQ(analyses.events, 77u);
  EXPECT_EQ(analyses.seconds, 2);
  ASSERT_EQ(analyses.disagreements.size(), 1u);
  EXPECT_EQ(analyses.disagreements[0].ratio, 0.25);
}

TEST(TriggerLoop, an_analysis_that_fails_or_throws_leaves_the_snapshot) {
  bool throws = false;
  Looping looping(100, true, [&](const auto&, const auto&) -> Result<SnapshotAnalysis> {
    if (throws) throw std::runtime_error("no memory");
    return failure("the trace is broken");
  });
  const auto id = looping.ask();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  throws = true;
  ASSERT_TRUE(looping.ask("http"));
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(looping.loop->flow().analyses.failed, 2u);
  EXPECT_EQ(looping.loop->find(*id)->state, SnapshotState::kComplete);
  EXPECT_FALSE(looping.loop->store()->read(*id, "report.html"));
}

TEST(TriggerLoop, a_snapshot_without_a_trace_is_not_analyzed) {
  bool analyzed = false;
  Looping looping(100, true, [&](const auto&, const auto&) -> Result<SnapshotAnalysis> {
    analyzed = true;
    return failure("there is nothing");
  });
  looping.trace->error = "no daemon";
  ASSERT_TRUE(looping.ask());
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_FALSE(analyzed);
}

TEST(TriggerLoop, every_backend_tells_whether_it_is_there) {
  Looping looping;
  EXPECT_TRUE(looping.backend("fake").available);
  EXPECT_EQ(looping.backend("lttng").name, "lttng");
  EXPECT_FALSE(looping.backend("lttng").available);
}

TEST(TriggerLoop, two_at_once_are_one_and_a_refusal) {
  Looping looping;
  looping.hold();
  const auto first = looping.ask();
  ASSERT_TRUE(first);
  const auto second = looping.ask("http");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().why, Refusal::kBusy);
  EXPECT_EQ(looping.loop->find(*first)->state, SnapshotState::kRecording);
  looping.trace->release();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_TRUE(looping.ask("http"));
}

TEST(TriggerLoop, a_storm_is_answered_and_counted_while_one_is_taken) {
  Looping looping;
  looping.hold();
  ASSERT_TRUE(looping.ask());
  for (int i = 0; i < 1000; i++) EXPECT_FALSE(looping.ask("http", std::to_string(i)));
  EXPECT_EQ(looping.trigger("http").fired, 1000u);
  EXPECT_EQ(looping.trigger("http").suppressed[static_cast<size_t>(Refusal::kBusy)], 1000u);
  EXPECT_EQ(looping.loop->list().size(), 1u) << "nothing is kept of a refusal";
  looping.trace->release();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(looping.trace->saves, 1);
}

TEST(TriggerLoop, a_refusal_says_how_long_to_wait) {
  Looping looping;
  ASSERT_TRUE(looping.ask());
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  looping.now_ns += 100'000'000'000;
  const auto again = looping.ask();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().why, Refusal::kCooldown);
  EXPECT_EQ(again.error().retry_after_seconds, 201u);
}

TEST(TriggerLoop, a_trace_that_fails_leaves_the_finding_and_says_so) {
  Looping looping;
  looping.trace->error = "no session daemon";
  const auto id = looping.ask();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(looping.finding(*id)["trace"]["error"], "no session daemon");
  EXPECT_EQ(looping.loop->store()->files_of(*id),
            (std::vector<std::string>{"finding.json", "history.json"}))
      << "no half of a trace";
  EXPECT_EQ(looping.backend().failures, 1u);
}

TEST(TriggerLoop, survives_a_recorder_that_throws) {
  Looping looping;
  looping.trace->throws = true;
  const auto id = looping.ask();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(looping.loop->find(*id)->state, SnapshotState::kFailed);
  EXPECT_EQ(looping.loop->find(*id)->error, "thrown at");
  EXPECT_EQ(looping.loop->store()->list().size(), 0u);
  looping.trace->throws = false;
  ASSERT_TRUE(looping.ask("http"));
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  EXPECT_EQ(looping.loop->store()->list().size(), 1u);
}

TEST(TriggerLoop, stops_in_the_middle_of_a_snapshot_and_leaves_nothing) {
  Looping looping;
  looping.hold();
  ASSERT_TRUE(looping.ask());
  EXPECT_TRUE(looping.loop->stop(kLong));
  EXPECT_EQ(looping.ask().error().why, Refusal::kOff);
  const auto path = looping.loop->store()->folder();
  looping.loop.reset();
  for (const auto& entry : std::filesystem::directory_iterator(path))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".unfinished")) << entry.path();
}

TEST(TriggerLoop, without_a_folder_it_refuses_and_says_why) {
  Looping looping(100, false);
  const auto asked = looping.ask();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().why, Refusal::kOff);
  EXPECT_EQ(asked.error().message, "the folder is on the moon");
  EXPECT_TRUE(looping.loop->stop(0ms));
}

TEST(TriggerLoop, a_trigger_that_nobody_named_makes_no_series) {
  Looping looping;
  EXPECT_FALSE(looping.ask("surprise"));
  EXPECT_EQ(looping.loop->flow().triggers.size(), 2u);
}

TEST(TriggerLoop, snapshots_of_an_earlier_agent_are_known_by_more_than_their_id) {
  Looping looping;
  const auto id = looping.ask();
  ASSERT_TRUE(looping.loop->wait_until_idle(kLong));
  looping.loop.reset();
  TriggerParts parts;
  parts.store = std::move(*SnapshotStore::open(looping.folder.path() + "/snapshots", {}));
  parts.recorder = std::make_unique<FakeRecorder>(std::make_shared<FakeTrace>());
  parts.context = [] { return SnapshotContext{}; };
  parts.clock = system_clock();
  TriggerLoop later(std::move(parts));
  later.wait_until_ready(kLong);
  ASSERT_EQ(later.list().size(), 1u);
  EXPECT_EQ(later.list()[0].id, *id);
  EXPECT_EQ(later.list()[0].reason, "because");
}

}  // namespace
}  // namespace vmflow::test
