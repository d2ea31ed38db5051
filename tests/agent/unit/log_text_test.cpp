// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/log_text.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

TopRows one_row() {
  auto before = vm("a,\"b\"", {{"guest", 0}, {"ready", 0}}, 0),
       now = vm("a,\"b\"", {{"guest", 3}, {"ready", 1}}, 5);
  now.name = "two words\x1b\nx";
  now.cause = "colocated_vm";
  now.sentence = "So.";
  const VmsLook first{10.0, {before}}, second{12.0, {now}};
  return top_rows(&first, second);
}

TEST(LogText, csv_has_units_in_its_header) {
  const auto header = csv_header();
  EXPECT_TRUE(header.starts_with(
      "time,id,pid,name,vcpus,guest_percent,kvm_percent,vmm_percent,ready_percent"));
  EXPECT_TRUE(header.ends_with("exits_per_second,culprit,cause\n"));
}

TEST(LogText, csv_quotes_and_leaves_empty_what_is_not_known) {
  const auto text = csv_text(one_row(), "2026-01-31T12:00:00Z");
  EXPECT_EQ(text,
            "2026-01-31T12:00:00Z,\"a,\"\"b\"\"\",4711,two words\uFFFD x,2,75.000,,,25.000,"
            ",,,,,,,,,,2.500,,colocated_vm\n");
  const auto header = csv_header();
  EXPECT_EQ(std::ranges::count(text, ',') - 1, std::ranges::count(header, ',')) << "one is quoted";
}

TEST(LogText, json_is_a_line_with_the_same_names) {
  const auto text = json_lines(one_row(), "2026-01-31T12:00:00Z");
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["id"], "a,\"b\"");
  EXPECT_EQ(json["guest_percent"], 75);
  EXPECT_EQ(json["exits_per_second"], 2.5);
  EXPECT_TRUE(json["halted_percent"].is_null());
  EXPECT_TRUE(json["culprit"].is_null());
  EXPECT_EQ(json["cause"], "colocated_vm");
  EXPECT_EQ(json["sentence"], "So.");
  for (const auto& column : top_columns()) EXPECT_TRUE(json.contains(std::string(column.key)));
}

}  // namespace
}  // namespace vmflow::test
