// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/text_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "exporters/report_json.h"
#include "tests/exporters/golden.h"
#include "tests/exporters/hand_made_report.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;

size_t characters(const std::string& line) {
  return static_cast<size_t>(std::ranges::count_if(
      line, [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }));
}

}  // namespace

TEST(TextReport, is_the_golden_one) {
  expect_golden(text_report(small_report()), "golden_report.txt");
}

/// Host B, two hours ahead.
ReportHostClock other_host() {
  ReportHostClock clock;
  clock.host = "host-b";
  clock.against = "host-a";
  clock.quality = "accurate";
  clock.offset_ns = -7'200'000'000'012;
  clock.drift = 40e-6;
  clock.accuracy_ns = 100'000;
  clock.packets_there = 10;
  clock.packets_back = 9;
  clock.contradicting = 1;
  clock.outcomes = {{"seen on both hosts", 40}};
  return clock;
}

TEST(TextReport, tells_the_clocks_of_several_hosts) {
  auto report = small_report();
  EXPECT_EQ(text_report(report).find("Several hosts"), std::string::npos)
      << "of one there are none";
  report.host_clocks = {other_host()};
  const auto text = text_report(report);
  for (const std::string words :
       {"host-b", "-7200.000000012 s", "+40.000 ppm", "± 100", "accurate",
        "from host-a to it, used for its clock", "received before they were sent"})
    EXPECT_NE(text.find(words), std::string::npos) << words << " in\n" << text;
  for (const auto& line : lines_of(text)) EXPECT_LE(characters(line), 80u) << line;
}

TEST(ReportJson, tells_the_clocks_of_several_hosts) {
  auto report = small_report();
  report.host_clocks = {other_host()};
  report.vms[0].host = "host-b";
  const auto json = Json::parse(report_json(report, {}));
  EXPECT_EQ(json["host_clocks"][0], Json::parse(R"({"host": "host-b", "against": "host-a",
    "quality": "accurate", "offset_ns": -7200000000012, "drift": 4e-5, "accuracy_ns": 100000,
    "packets_there": 10, "packets_back": 9, "contradicting": 1,
    "packets": {"seen on both hosts": 40}})"));
  EXPECT_EQ(json["vms"][0]["host"], "host-b");
}

TEST(TextReport, has_80_columns_whatever_the_names_are) {
  auto report = large_report(80);
  report.vms[1].flow.name = std::string(5000, 'x');
  report.vms[0].culprits[0].who = "ééé\n" + std::string(500, 'y');
  report.sources[0].path = "/a/" + std::string(300, 'z');
  report.missing[0].result = std::string(300, 'w');
  for (const auto& line : lines_of(text_report(judged(report))))
    EXPECT_LE(characters(line), 80u) << line;
}

TEST(TextReport, lets_no_name_speak_to_the_terminal) {
  auto report = small_report();
  report.vms[0].flow.name = "a\x1b[2Jb\x07\rc";
  report.details[1] = "\x1b]0;owned\x07";
  report.finding.clear();
  const auto text = text_report(judged(report));
  EXPECT_EQ(text.find_first_of("\x1b\x07\r"), std::string::npos);
  EXPECT_NE(text.find("a\uFFFD[2Jb\uFFFD\uFFFDc"), std::string::npos);
}

TEST(ReportJson, is_the_golden_one) {
  expect_golden(report_json(small_report(), {.intervals = false}), "golden_report.json");
}

TEST(ReportJson, has_the_stretches_of_critical_paths_when_asked_for) {
  auto report = small_report();
  report.path = report.vms[0].path;
  const auto json = Json::parse(report_json(report, {.intervals = true}));
  for (const auto& path : {json["critical_path"], json["vms"][0]["critical_path"]}) {
    EXPECT_EQ(path["stretches"][4], Json::parse(R"([8000000000, 9000000000, 2, "ready", 0, 4])"));
    EXPECT_EQ(path["stretches"][0][5], -1);
    EXPECT_EQ(path["workers"][4]["name"], "vCPU 0 of batch");
  }
  EXPECT_FALSE(json["vms"][1].contains("critical_path"));
  const auto text = text_report(report);
  EXPECT_LT(text.find("Critical path: vCPU 0 of web"), text.find("== web")) << "the one asked for";
}

TEST(ReportJson, has_intervals_when_asked_for) {
  const auto json = Json::parse(report_json(small_report(), {.intervals = true}));
  EXPECT_EQ(json["version"], kReportVersion);
  const auto& vcpu = json["vms"][0]["vcpus"][0];
  EXPECT_EQ(vcpu["interval_count"], 5);
  EXPECT_EQ(vcpu["intervals"][3], Json::parse(R"([5500000000, 9500000000, "ready", 3])"));
  EXPECT_EQ(json["details"][3], "batch has the CPU");
  const auto without = Json::parse(report_json(small_report(), {}));
  EXPECT_FALSE(without["vms"][0]["vcpus"][0].contains("intervals"));
  EXPECT_FALSE(without.contains("details"));
}

TEST(ReportJson, survives_bytes_that_are_no_text_and_numbers_that_are_none) {
  auto report = large_report(80);
  report.crosscheck[0].aggregate = std::numeric_limits<double>::quiet_NaN();
  const auto json = Json::parse(report_json(report, {.intervals = true}));
  EXPECT_TRUE(json["crosscheck"]["rows"][0]["aggregate"].is_null());
  EXPECT_EQ(json["sources"][1].contains("lost_packets"), false) << "absent, not 0";
}

}  // namespace vmflow::test
