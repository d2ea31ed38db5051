// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: from a neighbour that takes the CPU to a folder that says so, with what
// was before; the counters against the trace.
#include <time.h>

#include <chrono>
#include <memory>
#include <thread>

#include "agreement.h"
#include "lttng_daemon.h"
#include "recording_agent.h"
#include "stopwatch.h"

namespace vmflow::lab {

TEST(Trace, of_a_noisy_neighbour_holds_what_was_before_it_and_names_it) {
  LttngDaemon daemon;
  RecordingAgent agent;
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  Guest victim({"spin", "--seconds", "55", "--pin", "1", "-name", "quiet"});
  // Rules have learnt what is usual after 30 s.
  std::this_thread::sleep_for(std::chrono::seconds(36));
  EXPECT_TRUE(agent.snapshots().empty()) << agent.snapshots().dump();
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const double onset = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
  const Stopwatch since_onset;
  Guest noisy({"spin", "--seconds", "20", "--pin", "1", "-name", "noisy"});
  const auto snapshot = agent.wait_for_snapshot(10);
  ASSERT_FALSE(snapshot.is_null()) << agent->process().err();
  figure("a snapshot {:.1f} s after the neighbour came: {}", since_onset.seconds(),
         snapshot.dump());
  const auto vm = agent->scrape().vm_of(victim.pid());
  EXPECT_EQ(snapshot["vm"], vm);
  const auto report = agent.wait_for_report(snapshot["id"]);
  figure("{}", report["finding"].get<std::string>());
  const double before =
      onset - static_cast<double>(report["window"]["begin_ns"].get<uint64_t>()) / 1e9;
  figure("the trace begins {:.1f} s before the neighbour", before);
  EXPECT_GE(before, 2);
  const auto finding = report["finding"].get<std::string>();
  EXPECT_NE(finding.find("quiet"), std::string::npos);
  EXPECT_NE(finding.find("noisy"), std::string::npos) << "the culprit is named";
  expect_agreement(report);
  if (testing::Test::HasFailure()) figure("{}", agent->process().err());
  const auto ring = count_names(events_of(agent.folder_of(snapshot) + "/trace/ring"));
  const auto lttng = count_names(events_of(agent.folder_of(snapshot) + "/trace/lttng"));
  figure("ring: {} exits, {} entries; LTTng: {} exits, {} switches", ring.at("kvm_x86_exit"),
         ring.at("kvm_x86_entry"), lttng.at("kvm_x86_exit"), lttng.at("sched_switch"));
  EXPECT_GT(ring.at("kvm_x86_exit"), 100);
  EXPECT_GT(lttng.at("kvm_x86_exit"), 100);
  EXPECT_EQ(agent->stop().status, 0);
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "no session is left";
}

TEST(Trace, of_the_ring_alone_agrees_with_the_counters) {
  RecordingAgent agent({"--trigger.rules", "none"});
  ASSERT_TRUE(agent.wait_for_backend("ring"));
  Guest halts({"hlt", "--count", "20000", "--period-us", "500", "--pin", "1"});
  Guest exits({"cpuid", "--count", "200000", "--pin", "1"});
  std::this_thread::sleep_for(std::chrono::seconds(8));
  const auto asked = agent.ask({"--reason", "a look", "--wait"});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const auto snapshot = agent.snapshots()[0];
  expect_agreement(agent.wait_for_report(snapshot["id"]));
  if (testing::Test::HasFailure()) figure("{}", agent->process().err());
  const auto page = agent->scrape();
  for (const auto* quantity : {"exits", "state_seconds", "ready_seconds"})
    EXPECT_TRUE(page.has("vmflow_fusion_disagreement_ratio", {{"quantity", quantity}})) << quantity;
  EXPECT_TRUE(std::filesystem::exists(agent.folder_of(snapshot) + "/report.html"));
  EXPECT_EQ(agent->stop().status, 0);
}

TEST(Trace, on_trigger_holds_what_was_after_it) {
  LttngDaemon daemon;
  RecordingAgent agent(
      {"--trigger.rules", "none", "--trace.mode", "on-trigger", "--trace.record-seconds", "3"});
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "nothing is recorded";
  Guest halts({"hlt", "--count", "20000", "--period-us", "500", "--pin", "1"});
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const Stopwatch watch;
  const auto asked = agent.ask({"--wait"});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const auto snapshot = agent.snapshots()[0];
  const auto report = agent.wait_for_report(snapshot["id"]);
  const auto seconds = report["window"]["seconds"].get<double>();
  figure("asked, complete after {:.1f} s: a window of {:.1f} s", watch.seconds(), seconds);
  EXPECT_GE(seconds, 2.5);
  EXPECT_LE(seconds, watch.seconds());
  expect_agreement(report);
  if (testing::Test::HasFailure()) figure("{}", agent->process().err());
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "it records no more";
  EXPECT_EQ(agent->stop().status, 0);
}

TEST(Trace, of_two_quiet_vms_is_not_taken) {
  RecordingAgent agent;
  Guest first({"hlt", "--count", "100000", "--period-us", "1000", "--pin", "1"});
  Guest second({"hlt", "--count", "100000", "--period-us", "7000", "--pin", "1"});
  std::this_thread::sleep_for(std::chrono::seconds(60));
  EXPECT_TRUE(agent.snapshots().empty()) << agent.snapshots().dump();
  const auto page = agent->scrape();
  figure("60 s: {} evaluations, {} fired", page.sum("vmflow_trigger_evaluations_total"),
         page.sum("vmflow_trigger_fired_total"));
  EXPECT_GT(page.sum("vmflow_trigger_evaluations_total"), 100);
  EXPECT_EQ(page.sum("vmflow_trigger_fired_total"), 0);
}

TEST(Trace, backends_are_told_as_they_come_and_go) {
  RecordingAgent agent({"--trigger.rules", "none"});
  EXPECT_TRUE(agent.wait_for_backend("ring"));
  auto daemon = std::make_unique<LttngDaemon>();
  EXPECT_TRUE(agent.wait_for_backend("lttng+ring", 90)) << agent->process().err();
  daemon->kill();
  EXPECT_TRUE(agent.wait_for_backend("ring", 90)) << agent->process().err();
  Guest guest({"cpuid", "--count", "3001"});
  guest.truth();
  const auto asked = agent.ask({"--wait"});
  EXPECT_EQ(asked.status, 0) << asked.err;
  EXPECT_EQ(agent->stop().status, 0);
}

}  // namespace vmflow::lab
