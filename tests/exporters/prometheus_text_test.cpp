// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/prometheus_text.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "analysis/metric_catalog.h"
#include "tests/analysis/hand_made_model.h"
#include "tests/exporters/golden.h"

namespace vmflow::test {
namespace {

constexpr PrometheusOptions kAll{.per_vcpu = true, .vm_waits = true};

/// The lines of `text` that begin with `start`.
std::vector<std::string> lines_with(const std::string& text, const std::string& start) {
  auto lines = lines_of(text);
  std::erase_if(lines, [&](const auto& line) { return !line.starts_with(start); });
  return lines;
}

std::string info_line(const std::string& vm_name) {
  auto model = hand_made_model();
  model.vms[0].label = "u";
  model.vms[0].uuid = "";
  model.vms[0].names = {};
  model.vms[0].name = vm_name;
  const auto lines = lines_with(prometheus_text(model, {}), "vmflow_vm_info{");
  return lines.size() == 1 ? lines[0] : "not one line";
}

std::string info_line_with(const std::string& escaped_name) {
  return R"(vmflow_vm_info{vm="u",name=")" + escaped_name + R"(",uuid="",vmm="qemu",pid="4711"} 1)";
}

struct Ran {
  int status = -1;
  std::string output;
};

Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> part{};
  while (const size_t bytes = fread(part.data(), 1, part.size(), pipe))
    ran.output.append(part.data(), bytes);
  ran.status = pclose(pipe);
  return ran;
}

/// What `promtool check metrics` says about a page.
Ran promtool_on(const std::string& page) {
  const auto path =
      std::filesystem::temp_directory_path() / ("vmflow_page_" + std::to_string(getpid()));
  std::ofstream(path, std::ios::binary) << page;
  const auto ran = run("promtool check metrics < " + path.string());
  std::filesystem::remove(path);
  return ran;
}

TEST(PrometheusText, is_the_golden_page) {
  expect_golden(prometheus_text(hand_made_model(), kAll), "golden_page.txt");
}

TEST(PrometheusText, promtool_has_nothing_to_say_about_a_page) {
  for (const bool per_vcpu : {false, true}) {
    const auto ran = promtool_on(
        prometheus_text(hand_made_model(), {.per_vcpu = per_vcpu, .vm_waits = per_vcpu}));
    EXPECT_TRUE(WIFEXITED(ran.status) && WEXITSTATUS(ran.status) == 0);
    EXPECT_EQ(ran.output, "");
  }
}

// Without this the silence above could be that of a check that sees nothing.
TEST(PrometheusText, promtool_does_object_to_a_bad_page) {
  EXPECT_NE(promtool_on("# TYPE no_total counter\nno_total{a=\"\xFF} 1\n").output, "");
}

TEST(PrometheusText, every_metric_has_one_help_and_one_type) {
  const auto all = prometheus_text(hand_made_model(), kAll);
  const auto cut = prometheus_text(hand_made_model(), {.most_series = 1});
  for (const auto& metric : metric_catalog()) {
    const std::string name(metric.name);
    const auto& page = name == "vmflow_series_left_out" ? cut : all;
    EXPECT_EQ(lines_with(page, "# HELP " + name + " "),
              std::vector{"# HELP " + name + " " + std::string(metric.help)});
    EXPECT_EQ(lines_with(page, "# TYPE " + name + " ").size(), 1u) << name;
  }
}

TEST(PrometheusText, quotes_backslashes_and_newlines_of_labels_are_escaped) {
  EXPECT_EQ(info_line("plain"), info_line_with("plain"));
  EXPECT_EQ(info_line("say \"hi\""), info_line_with(R"(say \"hi\")"));
  EXPECT_EQ(info_line("C:\\vms"), info_line_with(R"(C:\\vms)"));
  EXPECT_EQ(info_line("one\ntwo"), info_line_with(R"(one\ntwo)"));
  EXPECT_EQ(info_line("\\\"\n"), info_line_with(R"(\\\"\n)"));
  EXPECT_EQ(info_line("é€😀"), info_line_with("é€😀"));
}

TEST(PrometheusText, what_others_call_a_vm_is_there_where_they_call_it_anything) {
  auto model = hand_made_model();
  model.vms[0].label = model.vms[0].name = "u";
  model.vms[0].uuid = "";
  model.vms[0].names = {};
  for (const auto& field : kGivenNames) model.vms[0].names.*field.text = "a\"\n\\";
  const auto line = lines_with(prometheus_text(model, {}), "vmflow_vm_info{").at(0);
  for (const auto& field : kGivenNames)
    EXPECT_NE(line.find(std::string(",") + std::string(field.label) + R"(="a\"\n\\")"),
              std::string::npos)
        << field.label;
  model.vms[0].names = {.title = "t", .vmid = "7"};
  EXPECT_EQ(
      lines_with(prometheus_text(model, {}), "vmflow_vm_info{").at(0),
      R"(vmflow_vm_info{vm="u",name="u",uuid="",vmm="qemu",pid="4711",title="t",vmid="7"} 1)");
}

TEST(PrometheusText, series_of_single_vcpus_are_there_only_when_asked_for) {
  const auto without = prometheus_text(hand_made_model(), {});
  const auto with = prometheus_text(hand_made_model(), kAll);
  EXPECT_EQ(without.find("vmflow_vcpu_"), std::string::npos);
  EXPECT_EQ(lines_with(with, "vmflow_vcpu_info{"),
            (std::vector<std::string>{
                R"(vmflow_vcpu_info{vm="5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20",vcpu="0",)"
                R"(tid="4712"} 1)"}));
  EXPECT_EQ(lines_with(with, "vmflow_vcpu_seconds_total{").size(), size_t{FLOW_STATES});
}

TEST(PrometheusText, histograms_of_waits_per_vm_are_there_only_when_asked_for) {
  const auto without = prometheus_text(hand_made_model(), {.per_vcpu = true});
  const auto with = prometheus_text(hand_made_model(), {.vm_waits = true});
  for (const auto* name : {"vmflow_vm_wait_duration_seconds", "vmflow_vm_wakeup_latency_seconds"}) {
    EXPECT_EQ(without.find(name), std::string::npos);
    EXPECT_NE(with.find(name), std::string::npos);
  }
  EXPECT_NE(without.find("vmflow_wait_duration_seconds_bucket{reason=\"timer\",le=\"6.5536e-05\"}"),
            std::string::npos);
}

TEST(PrometheusText, a_page_that_must_be_short_says_what_it_leaves_out) {
  const auto page = prometheus_text(hand_made_model(), {.most_series = 1});
  EXPECT_EQ(page.find("vmflow_vm_exits_total{"), std::string::npos);
  EXPECT_EQ(lines_with(page, "vmflow_vm_vcpu_seconds_total{").size(), size_t{FLOW_STATES});
  EXPECT_EQ(
      lines_with(page, "vmflow_series_left_out{metric=\"vmflow_vm_exits_total\"}"),
      std::vector<std::string>{"vmflow_series_left_out{metric=\"vmflow_vm_exits_total\"} 13"});
  EXPECT_EQ(lines_with(page, "vmflow_series_limit"),
            std::vector<std::string>{"vmflow_series_limit 1"});
  const auto lines = lines_of(page);
  EXPECT_EQ(
      lines_with(page, "vmflow_series "),
      std::vector{"vmflow_series " + std::to_string(std::ranges::count_if(
                                         lines, [](const auto& line) { return line[0] != '#'; }))});
}

TEST(PrometheusText, what_was_left_out_of_a_page_does_not_come_and_go) {
  const auto polls_in = [](const std::string& page) {
    return !lines_with(page, "vmflow_vm_halt_polls_total{").empty();
  };
  auto model = hand_made_model();
  const auto whole = prometheus_text(model, {});
  const auto series = std::stoull(lines_with(whole, "vmflow_series ").at(0).substr(14));
  PrometheusPages pages({.most_series = series});
  EXPECT_TRUE(polls_in(pages.next(model)));
  model.trace.links.push_back({"one-more", "20231114T221640Z-000008", "http"});
  EXPECT_FALSE(polls_in(pages.next(model)));
  model.trace.links.pop_back();
  EXPECT_FALSE(polls_in(pages.next(model))) << "it fits, but not by a tenth";
  EXPECT_TRUE(polls_in(prometheus_text(model, {.most_series = series})));
}

TEST(PrometheusText, a_metric_without_series_is_left_out) {
  auto model = hand_made_model();
  model.vms.clear();
  const auto page = prometheus_text(model, kAll);
  EXPECT_EQ(page.find("vmflow_vm_exits_total"), std::string::npos);
  EXPECT_EQ(lines_with(page, "vmflow_vms "), std::vector<std::string>{"vmflow_vms 0"});
}

TEST(PrometheusText, a_histogram_ends_with_all_its_counts) {
  const auto page = prometheus_text(hand_made_model(), {});
  const std::string vm = R"({vm="5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20")";
  const std::string name = "vmflow_vm_exit_duration_seconds";
  EXPECT_EQ(lines_with(page, name + "_count"), std::vector{name + "_count" + vm + "} 24"});
  EXPECT_EQ(lines_with(page, name + "_sum"), std::vector{name + "_sum" + vm + "} 2"});
  const auto buckets = lines_with(page, name + "_bucket");
  ASSERT_EQ(buckets.size(), 9u);
  EXPECT_EQ(buckets[0], name + "_bucket" + vm + R"(,le="1.024e-06"} 2)");
  EXPECT_EQ(buckets[8], name + "_bucket" + vm + R"(,le="+Inf"} 24)");
}

}  // namespace
}  // namespace vmflow::test
