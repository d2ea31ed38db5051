// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: a trace that lacks some of what happened says so, and how much.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/sources/ctf_events.h"
#include "agent/trigger/ctf_writer.h"
#include "figure.h"
#include "lttng_daemon.h"
#include "plain_trace.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

constexpr int kAgrees = 0, kDisagrees = 3;

/// The folder of a new snapshot that has its report.
std::string take_snapshot(RecordingAgent& agent) {
  const auto asked = agent.ask({"--wait"});
  EXPECT_EQ(asked.status, 0) << asked.err;
  const auto snapshot = agent.snapshots().at(0);
  agent.wait_for_report(snapshot["id"]);
  return agent.folder_of(snapshot);
}

constexpr int kHalts = 2000, kCpuids = 20011;

/// One that exits all the time for a while, and one that sleeps and wakes. They stay.
struct TwoVms {
  Guest halts{{"hlt", "--count", std::to_string(kHalts), "--period-us", "1000", "--pin", "1"}};
  Guest exits{{"cpuid", "--count", std::to_string(kCpuids), "--pin", "1"}};

  void wait() {
    halts.truth();
    exits.truth();
  }
};

/// vmflow analyze, as somebody runs it.
struct Analysed {
  int status = 0;
  std::string text;
  Json report;

  Json row(const std::string& quantity) const {
    for (const auto& row : report["crosscheck"]["rows"])
      if (row["quantity"] == quantity) return row;
    throw std::runtime_error("no row " + quantity + ": " + report["crosscheck"].dump());
  }
  /// Why `result` or a part of it is missing; empty if it is not said.
  std::string missing(const std::string& result) const {
    for (const auto& one : report["missing"])
      if (one["result"].get<std::string>().find(result) != std::string::npos) return one.dump();
    return "";
  }
};

Analysed analyse(const std::string& folder) {
  const auto text = run({vmflow_path(), "analyze", folder});
  const auto json = run({vmflow_path(), "analyze", folder, "--format", "json"});
  if (json.out.empty()) throw std::runtime_error(json.err);
  EXPECT_EQ(text.status, json.status);
  return {text.status, text.out, Json::parse(json.out)};
}

/// Writes what is in `trace` without every `nth` event. Shape: what is removed is told nowhere.
void write_without(const std::string& trace, const std::string& copy, size_t nth) {
  std::vector<Event> kept;
  size_t number = 0;
  const auto contents = read_ctf_isolated({trace}, {}, [&](const Event& event) {
    if (++number % nth != 0) kept.push_back(event);
    return true;
  });
  ASSERT_TRUE(contents) << contents.error().message;
  const auto& clock = contents->traces.at(0).clock;
  CtfWriteOptions options;
  options.epoch_offset_ns = clock.offset_ns;
  options.boot_id = clock.uuid;
  const auto written = write_ctf(copy, kept, options);
  ASSERT_TRUE(written) << written.error().message;
  figure("{} of {} events removed", number - kept.size(), number);
}

}  // namespace

TEST(TraceDamage, one_event_in_a_hundred_that_is_gone_is_told) {
  RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng"});
  TwoVms vms;
  vms.wait();
  const auto whole = take_snapshot(agent);
  const auto untouched = analyse(whole);
  EXPECT_EQ(untouched.status, kAgrees) << untouched.text;
  EXPECT_GE(untouched.row("exits")["aggregate"], kHalts + kCpuids) << "not all of their lives";
  EXPECT_EQ(untouched.missing(" exits ("), "");

  const std::string copy = "/run/copy";
  std::filesystem::copy(whole, copy, std::filesystem::copy_options::recursive);
  std::filesystem::remove_all(copy + "/trace/ring");
  write_without(whole + "/trace/ring", copy + "/trace/ring", 101);
  const auto damaged = analyse(copy);
  figure("{}", damaged.text.substr(0, damaged.text.find("\n\n")));
  for (const auto& row : damaged.report["crosscheck"]["rows"]) figure("{}", row.dump());
  figure("{}", damaged.missing(" exits ("));
  figure("anomalies: {}", damaged.report["anomalies"].dump());
  EXPECT_EQ(damaged.status, kDisagrees);
  const auto exits = damaged.row("exits");
  EXPECT_NEAR(exits["disagreement_ratio"].get<double>(), 0.01, 0.005);
  EXPECT_GT(exits["disagreement_ratio"], exits["allowed_ratio"]);
  EXPECT_NEAR(1 - exits["replay"].get<double>() / exits["aggregate"].get<double>(), 0.01, 0.005);
  EXPECT_NE(damaged.missing(" exits ("), "");
  EXPECT_NE(damaged.text.find("exits ("), std::string::npos) << damaged.text;
  EXPECT_FALSE(damaged.report["anomalies"].empty());
}

// LTTng's own command line, beside a vmflow that records with its ring alone.
TEST(TraceDamage, of_too_small_buffers_is_told_and_of_large_ones_there_is_none) {
  LttngDaemon daemon;
  for (const bool large : {true, false}) {
    const std::string plain = large ? "/run/large" : "/run/small";
    RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng"});
    std::string whole;
    record({.folder = plain + "/lttng",
            .sub_buffer = large ? "4M" : "4096",
            .sub_buffers = large ? 8 : 2},
           [&] {
             TwoVms vms;
             vms.wait();
             whole = take_snapshot(agent);
           });
    std::filesystem::copy(whole + "/aggregate.cbor", plain);
    const auto analysed = analyse(plain);
    const auto lost = analysed.report["sources"][0]["lost_events"].get<uint64_t>();
    const auto exits = analysed.row("exits");
    figure("{} buffers: {} events lost; {}", large ? "large" : "small", lost, exits.dump());
    for (const auto& row : analysed.report["crosscheck"]["rows"]) figure("{}", row.dump());
    if (large) {
      EXPECT_EQ(lost, 0u);
      EXPECT_EQ(analysed.status, kAgrees) << analysed.text;
      EXPECT_GE(exits["replay"], kHalts + kCpuids);
    } else {
      EXPECT_GT(lost, 1000u);
      EXPECT_EQ(analysed.status, kDisagrees);
      EXPECT_GT(exits["disagreement_ratio"], exits["allowed_ratio"]);
      EXPECT_NE(analysed.text.find(std::to_string(lost)), std::string::npos) << analysed.text;
      EXPECT_NE(analysed.missing(" exits ("), "");
    }
  }
}

// A trace of somebody who has no vmflow at all.
TEST(TraceDamage, a_plain_trace_is_analysed_and_what_it_lacks_is_said) {
  LttngDaemon daemon;
  pid_t pid = 0;
  record({.folder = "/run/plain"}, [&] {
    Guest guest({"cpuid", "--count", "3001", "--pin", "1"});
    guest.truth();
    pid = guest.pid();
  });
  const auto analysed = analyse("/run/plain");
  EXPECT_EQ(analysed.status, kAgrees);
  ASSERT_EQ(analysed.report["vms"].size(), 1u) << analysed.report["vms"].dump();
  const auto& vm = analysed.report["vms"][0];
  figure("{}", analysed.text.substr(0, analysed.text.find("\n\n")));
  EXPECT_EQ(vm["pid"], pid);
  EXPECT_EQ(vm["exits"]["cpuid"]["count"], 3001);
  EXPECT_NE(analysed.missing("halt polling"), "") << analysed.report["missing"];
  const auto html = run({vmflow_path(), "analyze", "/run/plain", "--format", "html"});
  EXPECT_EQ(html.status, 0) << html.err;
  EXPECT_NE(html.out.find("</html>"), std::string::npos);
}

}  // namespace vmflow::lab
