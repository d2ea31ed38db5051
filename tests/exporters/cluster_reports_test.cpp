// SPDX-License-Identifier: GPL-2.0-only
// Groups of VMs as text, JSON and a page, with names that somebody made up.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/clusters.h"
#include "exporters/cluster_html.h"
#include "exporters/cluster_json.h"
#include "exporters/cluster_plot.h"
#include "exporters/cluster_text.h"
#include "tests/analysis/made_up_vms.h"

namespace vmflow::test {
namespace {

using Json = nlohmann::json;

const std::string kEvil = "\"><script>alert(1)</script>\x1b[31m\n\xff\u202e'&";

FeatureTable vms_of_three_kinds() {
  auto table = made_up({"state_guest_ratio", "state_halted_ratio", "wait_disk_ratio",
                        "wait_timer_ratio", "exits_cpuid_per_second", "disk_read_per_second"},
                       {{9, {0.02, 0.97, 0, 0.95, 1, 0}},
                        {6, {0.9, 0.05, 0, 0.04, 30, 0}},
                        {3, {0.2, 0.75, 0.71, 0.02, 20, 420}}},
                       0.002)
                   .table;
  table.rows[4].values = {0.1, 0.89, 0, 0.87, 5, 0};
  for (auto& row : table.rows)
    for (auto& value : row.values) value = std::max(value, 0.0);
  for (auto& row : table.rows) row.values.push_back(0.25);
  table.columns.push_back({"constant_ratio", "", ""});
  return table;
}

Clusters three_kinds() {
  return cluster_vms(vms_of_three_kinds(), {});
}

/// Everything that somebody can name is hostile.
Clusters evil_kinds() {
  auto table = vms_of_three_kinds();
  for (auto& column : table.columns) column.name += kEvil;
  for (auto& row : table.rows) {
    row.name = kEvil + row.vm;
    row.vm += kEvil;
    row.host = row.vm + kEvil;
  }
  return cluster_vms(table, {.each_window = true});
}

std::string golden_text() {
  std::ifstream file(std::string(VMFLOW_SOURCE_DIR) + "/tests/exporters/golden_clusters.txt");
  return (std::ostringstream() << file.rdbuf()).str();
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) count++;
  return count;
}

}  // namespace

TEST(ClusterReports, text_is_as_it_was) {
  const auto text = clusters_text(three_kinds());
  if (std::getenv("VMFLOW_WRITE_GOLDEN") != nullptr)
    std::ofstream(std::string(VMFLOW_SOURCE_DIR) + "/tests/exporters/golden_clusters.txt") << text;
  EXPECT_EQ(text, golden_text());
}

TEST(ClusterReports, same_table_and_seed_are_the_same_bytes) {
  for (const uint32_t stages : {1u, 2u}) {
    const ClusterOptions options{.stages = stages, .seed = 42};
    const auto once = cluster_vms(vms_of_three_kinds(), options),
               again = cluster_vms(vms_of_three_kinds(), options);
    EXPECT_EQ(clusters_json(once), clusters_json(again));
    EXPECT_EQ(clusters_text(once), clusters_text(again));
    EXPECT_EQ(clusters_html(once), clusters_html(again));
  }
}

TEST(ClusterReports, json_has_all_that_is_told) {
  const auto json = Json::parse(clusters_json(three_kinds()));
  EXPECT_EQ(json["schema"], "vmflow_clusters");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["row_is"], "vm");
  EXPECT_EQ(json["dropped"], Json::parse(R"([{"name":"constant_ratio","why":"0.25 for all"}])"));
  ASSERT_EQ(json["clusters"].size(), 3u);
  ASSERT_EQ(json["rows"].size(), 18u);
  for (const auto& cluster : json["clusters"])
    for (const auto& row : cluster["rows"])
      EXPECT_EQ(json["rows"][row.get<size_t>()]["cluster"], cluster["id"]);
  const auto& disk = json["clusters"][2];
  EXPECT_EQ(disk["cause"], "disk-bound");
  EXPECT_EQ(disk["contrasts"][0]["column"], "wait_disk_ratio");
  EXPECT_NEAR(disk["contrasts"][0]["median"].get<double>(), 0.71, 0.01);
  EXPECT_EQ(json["clusters"][0]["outliers"][0]["vm"], "vm-4");
  EXPECT_EQ(json["stages"][0]["groups"], 3);
  EXPECT_GT(json["stages"][0]["silhouette"], json["stages"][0]["silhouette_needed"]);
}

TEST(ClusterReports, names_that_somebody_made_up_are_text_and_nothing_else) {
  const auto all = evil_kinds();
  ASSERT_EQ(all.problem, "");
  const auto page = clusters_html(all), text = clusters_text(all), json = clusters_json(all);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  for (const auto* each : {&page, &text, &json}) {
    EXPECT_EQ(each->find('\x1b'), std::string::npos);
    EXPECT_EQ(each->find('\xff'), std::string::npos);
  }
  for (const auto* each : {&page, &text}) EXPECT_EQ(each->find("\u202e"), std::string::npos);
  EXPECT_TRUE(Json::accept(json));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; }), 80) << line;
}

TEST(ClusterReports, page_needs_nothing_else_and_runs_no_script) {
  const auto all = three_kinds();
  const auto page = clusters_html(all);
  EXPECT_NE(page.find("default-src 'none'; script-src 'none'; style-src 'sha256-"),
            std::string::npos);
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
  EXPECT_EQ(page.find(" style="), std::string::npos) << "the policy would not let it in";
  EXPECT_EQ(count_of(page, "<title>vm-"), 18u) << "a point for each, with its name";
  size_t outliers = 0;
  for (const auto& cluster : all.clusters) outliers += cluster.outliers.size();
  EXPECT_GE(outliers, 1u);
  EXPECT_EQ(count_of(page, " outlier\""), outliers);
}

TEST(ClusterReports, drawing_of_many_has_a_part_of_them_and_who_is_rare) {
  auto table = made_up({"a", "b"}, {{6000, {0, 0}}, {6000, {30, 30}}}, 1).table;
  table.rows[5].values = {900, -900};
  const auto all = cluster_vms(table, {});
  const auto drawing = clusters_plot(all);
  EXPECT_LT(count_of(drawing, "class=\"point"), 4100u);
  EXPECT_NE(drawing.find("vm-5:"), std::string::npos);
}

TEST(ClusterReports, a_single_group_is_described_by_itself) {
  auto table = table_of({"wait_disk_ratio", "wait_net_ratio"});
  for (int i = 0; i < 30; i++) add_row(table, {0.7 + 0.001 * i, 0.01 * (i % 3)});
  const auto all = cluster_vms(table, {.groups = 1});
  const auto text = clusters_text(all);
  EXPECT_NE(text.find("30 VMs are one group"), std::string::npos) << text;
  EXPECT_NE(text.find("disk-bound, 30 VMs: 71 % disk wait"), std::string::npos) << text;
  EXPECT_TRUE(Json::parse(clusters_json(all))["clusters"][0]["contrasts"][0]["others"].is_null());
}

}  // namespace vmflow::test
