// SPDX-License-Identifier: GPL-2.0-only
// Field by field against the trace event format, and its sums against the report.
#include "exporters/perfetto_json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "analysis/flow_names.h"
#include "tests/exporters/hand_made_report.h"

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

TEST(PerfettoJson, every_event_has_the_fields_of_its_phase) {
  const std::map<std::string, std::set<std::string>> wanted = {
      {"M", {"ph", "name", "pid", "tid", "args"}},
      {"X", {"ph", "name", "cat", "pid", "tid", "ts", "dur", "args"}},
      {"s", {"ph", "name", "cat", "id", "pid", "tid", "ts"}},
      {"f", {"ph", "name", "cat", "id", "pid", "tid", "ts", "bp"}}};
  std::map<std::string, int> seen;
  for (const auto& event : events_of(two_vcpus())) {
    std::set<std::string> fields;
    for (const auto& [key, value] : event.items()) fields.insert(key);
    const auto phase = event["ph"].get<std::string>();
    ASSERT_TRUE(wanted.contains(phase)) << phase;
    EXPECT_EQ(fields, wanted.at(phase)) << event;
    EXPECT_TRUE(event["pid"].is_number_unsigned() && event["tid"].is_number_unsigned());
    EXPECT_TRUE(event.value("ts", Json(0)).is_number()) << event;
    EXPECT_GT(event.value("dur", 1.0), 0) << event;
    seen[phase]++;
  }
  EXPECT_EQ(seen.size(), wanted.size());
}

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

TEST(PerfettoJson, every_track_is_named_and_its_slices_do_not_overlap) {
  const auto events = events_of(large_report(5000));
  std::set<Track> named;
  std::map<Track, double> ends;
  for (const auto& event : events) {
    const Track track{event["pid"], event["tid"]};
    if (event["name"] == "thread_name") named.insert(track);
    if (event["ph"] != "X") continue;
    EXPECT_TRUE(named.contains(track)) << event;
    EXPECT_GE(event["ts"].get<double>() + 1e-9, ends[track]) << event;
    ends[track] = event["ts"].get<double>() + event["dur"].get<double>();
  }
  EXPECT_GE(ends.size(), 8u);
}

TEST(PerfettoJson, sums_of_slices_are_those_of_the_report) {
  const auto report = large_report(5000);
  std::map<std::pair<uint64_t, std::string>, double> drawn, wanted;
  for (const auto& event : events_of(report))
    if (event["ph"] == "X" && category(event) == "vcpu")
      drawn[{event["pid"], event["name"]}] += event["dur"].get<double>();
  for (size_t i = 0; i < report.vms.size(); i++)
    for (const auto& vcpu : report.vms[i].vcpus)
      for (const auto& interval : vcpu.intervals)
        wanted[{i + 1, std::string(state_name(interval.state).name)}] +=
            static_cast<double>(interval.end_ns - interval.begin_ns) / 1e3;
  ASSERT_EQ(drawn.size(), wanted.size());
  for (const auto& [key, us] : wanted) EXPECT_NEAR(drawn[key], us, 1e-6 * us) << key.second;
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

TEST(PerfettoJson, guest_processes_have_tracks_of_their_own) {
  std::map<std::string, double> ran;
  std::map<uint64_t, std::string> names;
  for (const auto& event : events_of(two_vcpus())) {
    if (event["name"] == "thread_name") names[event["tid"]] = event["args"]["name"];
    if (category(event) == "process") ran[names[event["tid"]]] += event["dur"].get<double>();
  }
  EXPECT_EQ(ran.at("cr3:1a2b3000"), 4.0) << "on two vCPUs at once: counted once";
  EXPECT_EQ(ran.at("cr3:4d5e6000 of 7f000"), 6.0);
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

TEST(PerfettoJson, hostile_names_are_only_names) {
  const auto text = perfetto_json(large_report(100));
  EXPECT_TRUE(Json::accept(text));
}

}  // namespace vmflow::test
