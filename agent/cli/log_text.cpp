// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/log_text.h"

#include <fmt/format.h>

#include <cmath>

#include "exporters/csv_text.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

/// What is text in a row, beside its numbers: not cut, and the cause as the API has it.
std::string text_in(const TopColumn& column, const TopRow& row) {
  if (column.key == "cause") return shown_text(row.now.cause);
  if (column.key == "culprit") return shown_text(row.now.culprit);
  return shown_text(row.now.name);
}

}  // namespace

std::string csv_header() {
  std::string line = "time,id,pid";
  for (const auto& column : top_columns()) line += fmt::format(",{}", column.key);
  return line + "\n";
}

std::string csv_text(const TopRows& rows, const std::string& time) {
  std::string text;
  for (const auto& row : rows.rows) {
    text += fmt::format("{},{},{}", time, csv_cell(shown_text(row.now.id)), row.now.pid);
    for (const auto& column : top_columns()) {
      const auto number = number_in(column, row);
      text += ",";
      if (column.text != nullptr)
        text += csv_cell(text_in(column, row));
      else if (number)
        text += column.unit == ColumnUnit::kCount ? fmt::format("{:.0f}", *number)
                                                  : fmt::format("{:.3f}", *number);
    }
    text += "\n";
  }
  return text;
}

std::string json_lines(const TopRows& rows, const std::string& time) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  std::string text;
  for (const auto& row : rows.rows) {
    Json json{{"time", time}, {"id", shown_text(row.now.id)}, {"pid", row.now.pid}};
    for (const auto& column : top_columns()) {
      const std::string key(column.key);
      const auto number = number_in(column, row);
      if (column.text != nullptr)
        json[key] = or_null(text_in(column, row));
      else
        json[key] = number ? Json(std::round(*number * 1000) / 1000) : Json();
    }
    json["sentence"] = or_null(shown_text(row.now.sentence));
    text += json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

}  // namespace vmflow
