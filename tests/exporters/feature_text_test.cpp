// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/feature_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace vmflow::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

FeatureTable table() {
  FeatureTable table;
  table.columns = {{"guest_ratio", "ratio", "share"}, {"exits_per_second", "per second", "exits"}};
  table.rows = {
      {"h1:9752", "u-1", "db \"1\",\nsecond", 1'700'000'000.25, 1'700'000'060.25, {0.1, kNan}},
      {"h2", "u-2", "=cmd\xff", 0, 1, {1.0 / 3, 1e300}}};
  return table;
}

}  // namespace

TEST(FeatureText, csv_is_quoted_and_empty_where_nothing_is_known) {
  EXPECT_EQ(feature_csv(table()),
            "host,vm,name,begin_seconds,end_seconds,guest_ratio,exits_per_second\n"
            "h1:9752,u-1,\"db \"\"1\"\",\nsecond\",1700000000.250000000,1700000060.250000000,0.1,\n"
            "h2,u-2,=cmd\xff,0.000000000,1.000000000,0.3333333333333333,1e+300\n");
  EXPECT_EQ(feature_csv({{{"a", "", ""}}, {}}), "host,vm,name,begin_seconds,end_seconds,a\n");
}

TEST(FeatureText, json_has_columns_and_rows_and_null_where_nothing_is_known) {
  const auto json = nlohmann::json::parse(feature_json(table()));
  EXPECT_EQ(json["schema"], "vmflow_features");
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["columns"][0]["name"], "guest_ratio");
  EXPECT_EQ(json["columns"][1]["unit"], "per second");
  EXPECT_EQ(json["columns"][1]["meaning"], "exits");
  const auto& row = json["rows"][0];
  EXPECT_EQ(row["host"], "h1:9752");
  EXPECT_EQ(row["vm"], "u-1");
  EXPECT_EQ(row["name"], "db \"1\",\nsecond");
  EXPECT_EQ(row["begin_seconds"], 1'700'000'000.25);
  EXPECT_EQ(row["values"]["guest_ratio"], 0.1);
  EXPECT_TRUE(row["values"]["exits_per_second"].is_null());
  EXPECT_EQ(json["rows"][1]["values"]["guest_ratio"], 1.0 / 3);
}

TEST(FeatureText, the_list_has_every_feature) {
  const auto list = feature_list();
  for (const auto& column : feature_columns())
    EXPECT_NE(list.find(column.name + "\n"), std::string::npos) << column.name;
}

}  // namespace vmflow::test
