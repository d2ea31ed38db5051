// SPDX-License-Identifier: GPL-2.0-only
// Feature tables as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "agent/json_fields.h"
#include "agent/sources/feature_text.h"

namespace vmflow {
namespace {

using nlohmann::json;

/// How deep lists and objects lie within one another: a parser needs memory for each.
size_t depth_of(std::string_view text) {
  size_t depth = 0, deepest = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (in_text && c == '\\') {
      i++;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      deepest = std::max(deepest, ++depth);
    } else if (!in_text && (c == ']' || c == '}') && depth > 0) {
      depth--;
    }
  }
  return deepest;
}

Result<std::vector<FeatureColumn>> columns_in(const json& document,
                                              const FeatureFileLimits& limits) {
  const auto& list = field(document, "columns");
  if (!list.is_array()) return failure("it has no list \"columns\"");
  if (list.size() > limits.columns)
    return failure(fmt::format("there are more than {} features", limits.columns));
  std::vector<FeatureColumn> columns;
  for (const auto& each : list)
    columns.push_back({text_of(field(each, "name")), text_of(field(each, "unit")),
                       text_of(field(each, "meaning"))});
  if (auto problem = columns_problem(columns, limits); !problem.empty())
    return failure(std::move(problem));
  return columns;
}

using Places = std::map<std::string, size_t, std::less<>>;

/// "" if the row's values are what they should be.
std::string take_values(const json& values, const Places& places, FeatureRow& row) {
  for (const auto& [name, value] : values.items()) {
    const auto place = places.find(name);
    if (place == places.end())
      return fmt::format("\"values\" has {}, which is no column", quoted_name(name));
    if (value.is_null()) continue;
    if (!value.is_number()) return fmt::format("{} is no number and not null", quoted_name(name));
    const auto number = value.get<double>();
    if (const auto problem = number_problem(number); !problem.empty())
      return fmt::format("{} is {}", quoted_name(name), problem);
    row.values[place->second] = number;
  }
  return "";
}

Result<FeatureRow> row_in(const json& from, const Places& places) {
  FeatureRow row{text_of(field(from, "host")),
                 text_of(field(from, "vm")),
                 text_of(field(from, "name")),
                 0,
                 0,
                 std::vector<double>(places.size(), std::numeric_limits<double>::quiet_NaN())};
  if (row.vm.empty()) return failure("it has no text \"vm\"");
  const auto begin = number_of(field(from, "begin_seconds")),
             end = number_of(field(from, "end_seconds"));
  if (!begin || !end || !number_problem(*begin).empty() || !number_problem(*end).empty())
    return failure("\"begin_seconds\" or \"end_seconds\" is no number");
  row.begin_seconds = *begin;
  row.end_seconds = *end;
  const auto& values = field(from, "values");
  if (!values.is_object()) return failure("it has no object \"values\"");
  if (auto problem = take_values(values, places, row); !problem.empty())
    return failure(std::move(problem));
  return row;
}

}  // namespace

Result<FeatureTable> parse_feature_json(std::string_view text, const FeatureFileLimits& limits) {
  constexpr size_t kDeepest = 8;
  if (depth_of(text) > kDeepest) return failure("lists lie too deep within one another");
  const auto document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return failure("it is no valid JSON");
  if (text_of(field(document, "schema")) != "vmflow_features" || field(document, "version") != 1)
    return failure("it is no table of features: \"schema\" is not vmflow_features, version 1");
  auto columns = columns_in(document, limits);
  if (!columns) return tl::unexpected(columns.error());
  FeatureTable table{std::move(*columns), {}};
  Places places;
  for (size_t i = 0; i < table.columns.size(); i++) places[table.columns[i].name] = i;
  const auto& rows = field(document, "rows");
  if (!rows.is_array()) return failure("it has no list \"rows\"");
  if (rows.size() * table.columns.size() > limits.cells)
    return failure(fmt::format("there are more than {} values", limits.cells));
  for (const auto& each : rows) {
    auto row = row_in(each, places);
    if (!row) return failure(fmt::format("row {}: {}", table.rows.size() + 1, row.error().message));
    table.rows.push_back(std::move(*row));
  }
  return table;
}

}  // namespace vmflow
