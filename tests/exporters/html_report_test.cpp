// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_report.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "exporters/html_assets.h"
#include "exporters/html_path.h"
#include "exporters/html_text.h"
#include "exporters/html_timeline.h"
#include "exporters/interval_bytes.h"
#include "tests/exporters/hand_made_report.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) found++;
  return found;
}

std::string bytes_of(const std::vector<ReportInterval>& intervals) {
  return pack_intervals(intervals, {100, 1'000'000, "", {}}).base64;
}

}  // namespace

TEST(HtmlText, leaves_no_character_that_could_end_an_element_or_an_attribute) {
  EXPECT_EQ(html_text("plain é€😀"), "plain é€😀");
  EXPECT_EQ(html_text("</script><b a=\"x\" b='y'>&amp;"),
            "&lt;/script&gt;&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;");
  EXPECT_EQ(html_text("a\xff\xc0\x80z"), "a\uFFFD\uFFFD\uFFFDz");
  EXPECT_EQ(html_text("one\ntwo\t\x01"), "one two\uFFFD\uFFFD");
  EXPECT_EQ(html_text("evil\u202Egnp.exe\u2028"), "evil\uFFFDgnp.exe\uFFFD")
      << "may not turn what comes after it";
}

TEST(ScriptJson, stays_json_and_cannot_end_its_element) {
  const Json hostile = {{"</script><!--<script>", "a&b\u2028\"\\"}};
  const auto text = script_json(hostile.dump());
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  EXPECT_EQ(Json::parse(text), hostile);
}

TEST(Base64, is_that_of_the_rfc) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(PackedIntervals, hold_only_what_differs) {
  // At the window's begin, in guest (0), for 5 ns: head 0, length 5.
  EXPECT_EQ(bytes_of({{100, 105, FLOW_GUEST, 0}}), base64(std::string("\x00\x05", 2)));
  // Then 3 ns of nothing, then 200 ns of ready (6) with detail 1: head (1 << 4 | 6) << 1 | 1.
  EXPECT_EQ(bytes_of({{100, 105, FLOW_GUEST, 0}, {108, 308, FLOW_READY, 1}}),
            base64(std::string("\x00\x05\x2d\x03\xc8\x01", 6)));
}

TEST(PackedIntervals, are_cut_to_the_window_and_never_overlap) {
  const ReportWindow window{100, 200, "", {}};
  const std::vector<ReportInterval> intervals = {{50, 90, FLOW_GUEST, 0},     // before it
                                                 {90, 120, FLOW_GUEST, 0},    // 20 ns of it
                                                 {110, 130, FLOW_KVM, 0},     // 10
                                                 {105, 125, FLOW_KVM, 0},     // told already
                                                 {140, 130, FLOW_KVM, 0},     // backwards
                                                 {190, 900, FLOW_READY, 0}};  // 10
  const auto packed = pack_intervals(intervals, window);
  EXPECT_EQ(packed.count, 3u);
  EXPECT_EQ(packed.outside, 3u);
  EXPECT_EQ(packed.base64, base64(std::string("\x00\x14\x04\x0a\x0d\x3c\x0a", 7)));
  const auto none = pack_intervals(intervals, {200, 100, "", {}});
  EXPECT_EQ(none.count, 0u);
}

TEST(HtmlReport, escapes_what_tenants_have_chosen) {
  const auto page = html_report(large_report(800));
  EXPECT_EQ(count(page, "<script"), 2u) << "the data and the page's own";
  EXPECT_EQ(count(page, "</script"), 2u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_GT(count(page, "&lt;/script&gt;&lt;script&gt;document.title"), 2u);
}

TEST(HtmlReport, asks_nobody_for_anything_and_runs_only_its_own_script) {
  const auto page = html_report(small_report());
  EXPECT_EQ(count(page, "http://") + count(page, "https://"), 0u);
  EXPECT_EQ(count(page, "src="), 0u);
  EXPECT_EQ(count(page, " style=\"") + count(page, " onclick=\""), 0u) << "its policy forbids them";
  EXPECT_EQ(count(page, "default-src 'none'; script-src 'sha256-"), 1u);
  EXPECT_EQ(count(page, "unsafe"), 0u);
  EXPECT_EQ(kHtml_script.sha256.size(), 64u);
}

TEST(HtmlReport, says_all_but_the_timeline_without_scripts) {
  const auto whole = html_report(small_report());
  const auto page = whole.substr(0, whole.find("<script"));
  for (const auto* words :
       {"<h1 id=\"finding\">web: Has work but no CPU 40 % of its time (4.00 s): batch has it 75 % "
        "of that (3.00 s). Second: platform, 12 % (1.15 s).</h1>",
        "<span class=\"lost\">3.00 s lost, 30 %; second: platform, 12 % (1.15 s)</span>",
        "cause-unknown\">not enough evidence</span> <span class=\"lost\">9.90 s, 99 %; nothing "
        "lost; "
        "second: co-located VM, 1 % (100 ms)</span>",
        "Who held the CPU", "<bdi>backup (pid 99)</bdi>", "What ended its halts", "not yet ended",
        "Exits by handling time", "<bdi>cpuid</bdi>", "Whose its time was", "No event was lost.",
        "agree:", "halt polling", "Not compared", "2023-11-14 22:13:20.123 UTC",
        "aria-label=\"guest 30 %, kvm 5 %, halted 20 %, ready 40 %", "<noscript>"})
    EXPECT_NE(page.find(words), std::string::npos) << words;
}

TEST(HtmlReport, says_on_top_what_speaks_against_it) {
  auto report = small_report();
  report.sources[0].lost_events = 1234;
  report.crosscheck[0].disagreement_ratio = std::numeric_limits<double>::quiet_NaN();
  report.anomalies[0].count = 1;
  const auto page = html_report(report);
  EXPECT_NE(page.find("LOST events or packets: 1\xC2\xA0"
                      "234."),
            std::string::npos);
  EXPECT_NE(page.find("disagree in 1 of 2 quantities. 1 anomaly counted."), std::string::npos);
  EXPECT_NE(page.find("<tr class=\"disagrees\">"), std::string::npos);
  EXPECT_NE(page.find("class=\"bad\""), std::string::npos);
}

TEST(HtmlReport, holds_200000_intervals_in_few_bytes) {
  const auto page = html_report(large_report(200'000));
  EXPECT_LT(page.size(), 2'400'000u);
}

TEST(HtmlReport, of_nothing_and_of_absurd_numbers_is_a_page) {
  EXPECT_NE(html_report(TraceReport{}).find("</html>"), std::string::npos);
  auto report = small_report();
  constexpr auto kMost = std::numeric_limits<uint64_t>::max();
  report.window = {kMost, 0, kHostileName, kMost};
  report.vms[0].flow.time.state_ns.fill(kMost);
  report.vms[0].flow.exits[0] = {kHostileName, kMost, kMost};
  report.vms[0].vcpus[0].intervals = {{0, kMost, static_cast<flow_state>(77), 4'000'000'000}};
  report.crosscheck[0].aggregate = std::numeric_limits<double>::infinity();
  const auto page = html_report(judged(report));
  EXPECT_NE(page.find("</html>"), std::string::npos);
  EXPECT_EQ(count(page, "<script"), 2u);
}

// 0-100 A runs, then 100 times 1 ns of A and 3 ns of B, then B runs from 500 to 1000.
TEST(HtmlPath, draws_short_stretches_together_as_what_most_of_them_is) {
  CriticalPath path{.worker = 0, .begin_ns = 0, .end_ns = 1000, .stretches = {}, .parts = {}};
  const auto add = [&](uint32_t worker, uint64_t begin_ns, uint64_t end_ns) {
    path.stretches.push_back({worker, begin_ns, end_ns, kNoWorker, Doing::kRunning, 1});
  };
  add(0, 0, 100);
  for (uint64_t ns = 100; ns < 500; ns += 4) {
    add(0, ns, ns + 1);
    add(1, ns + 1, ns + 4);
  }
  add(1, 500, 1000);
  EXPECT_EQ(coarse_stretches(path, 1000).size(), path.stretches.size());
  const auto coarse = coarse_stretches(path, 40);
  EXPECT_LE(coarse.size(), 41u);
  uint64_t at_ns = 0;
  for (const auto& each : coarse) {
    EXPECT_EQ(each.begin_ns, at_ns);
    EXPECT_EQ(each.worker, at_ns < 100 ? 0u : 1u);
    at_ns = each.end_ns;
  }
  EXPECT_EQ(at_ns, 1000u);
}

TEST(HtmlPath, has_rows_for_workers_whose_time_it_is_made_of) {
  const auto report = small_report();
  const auto json = Json::parse(html_path_json(*report.vms[0].path, report.window, 100).dump());
  EXPECT_EQ(json["rows"], Json::parse(R"(["vCPU 0 of web", "IO disk0 (tid 4905) of backend",
                                          "vCPU 1 of backend", "vhost-4711 of web"])"));
  ASSERT_EQ(json["stretches"].size(), 6 * 6u);
  EXPECT_EQ(Json(std::vector<Json>(json["stretches"].begin() + 24, json["stretches"].begin() + 30)),
            Json::parse("[8000000000, 1000000000, 2, 1, 0, 4]"));
  EXPECT_EQ(json["names"][4], "vCPU 0 of batch");
}

TEST(TimelineJson, has_moments_that_a_script_can_hold) {
  auto report = small_report();
  report.window.begin_ns += 1ULL << 60;
  report.window.end_ns += 1ULL << 60;
  report.marks = {{report.window.begin_ns + 5, "in"}, {7, "out of the window"}};
  const auto json = Json::parse(timeline_json(report));
  EXPECT_EQ(json["begin"], std::to_string(report.window.begin_ns)) << "as text";
  EXPECT_EQ(json["length"], 10'000'000'000u);
  EXPECT_EQ(json["marks"], Json::parse(R"([{"ns": 5, "text": "in"}])"));
  EXPECT_EQ(json["states"].size(), FLOW_STATES + 1u);
}

}  // namespace vmflow::test
