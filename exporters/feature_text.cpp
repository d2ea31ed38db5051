// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/feature_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "exporters/csv_text.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

/// The shortest text that is read as the same number again; empty if it is none.
std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

}  // namespace

std::string feature_csv(const FeatureTable& table) {
  std::string text = "host,vm,name,begin_seconds,end_seconds";
  for (const auto& column : table.columns) text += "," + csv_cell(column.name);
  text += "\n";
  for (const auto& row : table.rows) {
    text += fmt::format("{},{},{},{:.9f},{:.9f}", csv_cell(row.host), csv_cell(row.vm),
                        csv_cell(row.name), row.begin_seconds, row.end_seconds);
    for (const double value : row.values) text += "," + cell(value);
    text += "\n";
  }
  return text;
}

std::string feature_json(const FeatureTable& table) {
  Json json{{"schema", "vmflow_features"},
            {"version", 1},
            {"columns", Json::array()},
            {"rows", Json::array()}};
  for (const auto& column : table.columns)
    json["columns"].push_back(
        {{"name", column.name}, {"unit", column.unit}, {"meaning", column.meaning}});
  for (const auto& row : table.rows) {
    Json values = Json::object();
    for (size_t i = 0; i < table.columns.size() && i < row.values.size(); i++)
      values[table.columns[i].name] = number(row.values[i]);
    json["rows"].push_back({{"host", row.host},
                            {"vm", row.vm},
                            {"name", row.name},
                            {"begin_seconds", number(row.begin_seconds)},
                            {"end_seconds", number(row.end_seconds)},
                            {"values", std::move(values)}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string feature_list() {
  std::string text;
  for (const auto& feature : feature_catalog())
    text += fmt::format("{}\n    {} ({})\n    {}\n", feature.column.name, feature.column.meaning,
                        feature.column.unit, feature_promql(feature, "5m"));
  return text;
}

}  // namespace vmflow
