// SPDX-License-Identifier: GPL-2.0-only
// What is drawn where. Field by field against the format: perfetto_totals_test.cpp.
#include "exporters/perfetto_json.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/exporters/hand_made_report.h"
#include "tests/exporters/trace_event_format.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;
using Track = std::pair<uint64_t, uint64_t>;  // pid, tid

Json events_of(const TraceReport& report) {
  return Json::parse(perfetto_json(report))["traceEvents"];
}

/// Empty for what has none.
std::string category(const Json& event) {
  return event.value("cat", "");
}

/// Two vCPUs that interrupt each other, and what runs in them.
TraceReport two_vcpus() {
  auto report = small_report();
  auto& vm = report.vms[0];
  const auto begin = report.window.begin_ns;
  vm.vcpus = {{.vcpu_id = 0,
               .tid = 4712,
               .intervals = {{begin, begin + 1001, FLOW_GUEST, 0},
                             {begin + 1001, begin + 3000, FLOW_HALTED, 2},
                             {begin + 3000, begin + 9000, FLOW_GUEST, 0}},
               .wakes = {{begin + 2500, 1}, {begin + 2600, 7}}},
              {.vcpu_id = 1,
               .tid = 4713,
               .intervals = {{begin + 2000, begin + 9000, FLOW_GUEST, 0}},
               .wakes = {{begin + 1500, 0}, {begin + 9500, 0}}}};
  vm.processes->stretches = {{0, 0, begin, begin + 1001},
                             {0, 1, begin + 500, begin + 4000},
                             {1, 0, begin + 3000, begin + 9000}};
  return report;
}

}  // namespace

TEST(PerfettoJson, times_are_microseconds_to_the_nanosecond) {
  for (const auto& event : events_of(two_vcpus()))
    if (event["ph"] == "X" && event["tid"] == 4712 && event["name"] == "halted") {
      EXPECT_EQ(event["ts"], 1.001);
      EXPECT_EQ(event["dur"], 1.999);
      EXPECT_EQ(event["args"]["detail"], "ended by timer");
      return;
    }
  FAIL() << "no such slice";
}

TEST(PerfettoJson, arrows_go_in_pairs_from_a_slice_to_a_slice) {
  std::map<uint64_t, std::vector<Json>> arrows;
  for (const auto& event : events_of(two_vcpus()))
    if (category(event) == "wake") arrows[event["id"]].push_back(event);
  // A sender that is not there, and an interrupt after the last slice, have none.
  ASSERT_EQ(arrows.size(), 2u);
  for (const auto& [id, ends] : arrows) {
    ASSERT_EQ(ends.size(), 2u);
    EXPECT_EQ(ends[0]["ph"], "s");
    EXPECT_EQ(ends[1]["ph"], "f");
    EXPECT_LE(ends[0]["ts"], ends[1]["ts"]);
  }
  EXPECT_EQ(arrows[1][0]["tid"], 4713);
  EXPECT_EQ(arrows[1][0]["ts"], 2.5);
  EXPECT_EQ(arrows[1][1]["tid"], 4712);
  EXPECT_EQ(arrows[1][1]["ts"], 3.0);
}

// The first has vCPU 0 from 0 to 1001 and vCPU 1 from 500 to 4000.
TEST(PerfettoJson, guest_process_has_a_track_for_each_vcpu_that_it_has_at_once) {
  std::map<std::string, std::vector<std::string>> drawn;
  for (const auto& slice : drawn_slices(perfetto_json(two_vcpus())))
    if (slice.category == "process")
      drawn[slice.track].push_back(
          fmt::format("{} {}-{}", slice.name, slice.begin_ns, slice.begin_ns + slice.ns));
  const std::map<std::string, std::vector<std::string>> expected = {
      {"cr3:1a2b3000", {"vCPU 0 0-1001"}},
      {"cr3:1a2b3000 (2)", {"vCPU 1 500-4000"}},
      {"cr3:4d5e6000 of 7f000", {"vCPU 0 3000-9000"}}};
  EXPECT_EQ(drawn, expected);
}

// A third stretch at 1001 goes on where the first has ended.
TEST(PerfettoJson, guest_process_has_no_more_tracks_than_vcpus_at_once) {
  auto report = two_vcpus();
  const auto begin = report.window.begin_ns;
  auto& stretches = report.vms[0].processes->stretches;
  stretches = {{0, 0, begin, begin + 1001},
               {0, 1, begin + 500, begin + 4000},
               {0, 0, begin + 1001, begin + 2000},
               {0, 0, begin + 4000, begin + 5000}};
  std::map<std::string, uint64_t> ns;
  for (const auto& slice : drawn_slices(perfetto_json(report)))
    if (slice.category == "process") ns[slice.track] += slice.ns;
  const std::map<std::string, uint64_t> expected = {{"cr3:1a2b3000", 3000},
                                                    {"cr3:1a2b3000 (2)", 3500}};
  EXPECT_EQ(ns, expected);
}

TEST(PerfettoJson, critical_path_is_a_track_that_fills_its_window) {
  auto report = small_report();
  report.path = report.vms[0].path;
  std::map<Track, double> at;
  std::map<Track, std::string> names;
  for (const auto& event : events_of(report)) {
    if (event["name"] == "thread_name") names[{event["pid"], event["tid"]}] = event["args"]["name"];
    if (event["ph"] != "X" || category(event) != "path") continue;
    const Track track{event["pid"], event["tid"]};
    EXPECT_EQ(names[track], "critical path");
    EXPECT_EQ(event["ts"].get<double>(), at[track]);
    at[track] += event["dur"].get<double>();
    if (event["ts"] == 8e6) {
      EXPECT_EQ(event["name"], "vCPU 1 of backend: ready");
      EXPECT_EQ(event["args"]["by"], "vCPU 0 of batch");
    }
  }
  ASSERT_EQ(at.size(), 2u) << "the VM's, and the one asked for";
  for (const auto& [track, us] : at) EXPECT_EQ(us, 10e6);
}

// web's path goes over batch's vCPU 0 from 4 to 6 s: both are drawn.
TEST(PerfettoJson, critical_path_has_arrows_from_vcpu_to_vcpu) {
  auto report = small_report();
  const auto begin = report.window.begin_ns;
  constexpr uint64_t kSecond = 1'000'000'000;
  report.vms[0].path->path.stretches = {
      {0, begin, begin + 4 * kSecond, kNoWorker, Doing::kRunning, 1},
      {4, begin + 4 * kSecond, begin + 6 * kSecond, kNoWorker, Doing::kRunning, 1},
      {1, begin + 6 * kSecond, begin + 10 * kSecond, kNoWorker, Doing::kRunning, 0}};
  std::vector<Json> ends;
  for (const auto& event : events_of(report))
    if (category(event) == "path" && event["ph"] != "X") ends.push_back(event);
  ASSERT_EQ(ends.size(), 2u) << "a vhost worker has no track";
  EXPECT_EQ(ends[0]["ph"], "s");
  EXPECT_EQ(ends[0]["tid"], 4712);
  EXPECT_EQ(ends[1]["ph"], "f");
  EXPECT_EQ(ends[1]["tid"], 4801);
  EXPECT_NE(ends[0]["pid"], ends[1]["pid"]);
  EXPECT_EQ(ends[0]["id"], ends[1]["id"]);
  EXPECT_EQ(ends[0]["ts"], 4e6);
}

// Threads 4712 of two hosts: Perfetto would take them for one.
TEST(PerfettoJson, threads_of_two_hosts_with_one_number_have_two_tracks) {
  auto report = small_report();
  report.vms[1].vcpus[0].tid = report.vms[0].vcpus[0].tid;
  std::map<uint64_t, std::set<uint64_t>> processes;
  for (const auto& event : events_of(report))
    if (event["ph"] == "X") processes[event["tid"]].insert(event["pid"].get<uint64_t>());
  ASSERT_TRUE(processes.contains(4712));
  for (const auto& [tid, pids] : processes) EXPECT_EQ(pids.size(), 1u) << tid;
}

// A path over the second of two VMs that have one label, on hosts of their own.
TEST(PerfettoJson, path_finds_its_vcpu_where_two_hosts_have_one_label) {
  auto report = small_report();
  const auto begin = report.window.begin_ns;
  report.vms[0].flow.name = "web on rack-1";
  report.vms[1].flow.name = "web on rack-2";
  report.vms[1].flow.label = report.vms[0].flow.label;
  auto& path = *report.vms[0].path;
  path.workers = {{WorkerKind::kVcpu, "vCPU 0 of web on rack-1", report.vms[0].flow.label,
                   "web on rack-1", 0, 4712},
                  {WorkerKind::kVcpu, "vCPU 0 of web on rack-2", report.vms[0].flow.label,
                   "web on rack-2", 0, 4801}};
  path.path.stretches = {{0, begin, begin + 1000, kNoWorker, Doing::kRunning, 1},
                         {1, begin + 1000, begin + 2000, kNoWorker, Doing::kRunning, 1}};
  std::vector<uint64_t> tids;
  for (const auto& event : events_of(report))
    if (category(event) == "path" && event["ph"] != "X") tids.push_back(event["tid"]);
  EXPECT_EQ(tids, (std::vector<uint64_t>{4712, 4801}));
}

TEST(PerfettoJson, begins_with_what_lies_before_the_window) {
  auto report = two_vcpus();
  const auto begin = report.window.begin_ns - 5000;
  report.vms[0].vcpus[0].intervals.insert(report.vms[0].vcpus[0].intervals.begin(),
                                          {begin, begin + 2000, FLOW_GUEST, 0});
  const auto json = Json::parse(perfetto_json(report));
  EXPECT_EQ(json["otherData"]["begin_ns"], std::to_string(begin));
  uint64_t first_ns = begin;
  for (const auto& slice : drawn_slices(json.dump())) first_ns = std::min(first_ns, slice.begin_ns);
  EXPECT_EQ(first_ns, 0u);
}

// A tenant's name with a line break and a mark that turns the direction of what follows.
TEST(PerfettoJson, foreign_text_stays_in_one_line_and_turns_nothing) {
  const std::string foreign = "a\n\x01\u202eb\xff";
  auto report = two_vcpus();
  report.title = report.finding = report.window.clock = foreign;
  for (auto& detail : report.details) detail = foreign;
  for (auto& vm : report.vms) {
    vm.flow.name = vm.verdict.sentence = foreign;
    if (!vm.path) continue;
    for (auto& worker : vm.path->workers) worker.name = foreign;
  }
  report.path = report.vms[0].path;
  const auto text = perfetto_json(report);
  EXPECT_TRUE(Json::accept(text));
  for (const char* what : {"\\n", "\\u0001", "\u202e", "\xff"})
    EXPECT_EQ(text.find(what), std::string::npos) << what;
}

}  // namespace vmflow::test
