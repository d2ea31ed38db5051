// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/cell_text.h"

namespace vmflow {
namespace {

constexpr size_t kTextWidth = 20;

/// Without blanks, so that a script may split the line at them.
std::string word(std::string text) {
  std::ranges::replace(text, ' ', '_');
  return text;
}

std::string in_column(const TopColumn& column, const std::string& text) {
  return column.unit == ColumnUnit::kText ? left_in(word(text), kTextWidth)
                                          : right_in(text, column.width);
}

template <typename Cell>
std::string line(Cell cell) {
  std::string line;
  for (const auto& column : top_columns())
    line += (line.empty() ? "" : " ") + in_column(column, cell(column));
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string batch_text(const TopRows& rows, const std::string& time) {
  auto text = fmt::format("{} {} VM{}", time, rows.rows.size(), rows.rows.size() == 1 ? "" : "s");
  if (rows.seconds) text += fmt::format(", {:.1f} s", *rows.seconds);
  text += "\n" + line([](const TopColumn& column) { return std::string(column.title); });
  for (const auto& row : rows.rows)
    text += line([&](const TopColumn& column) { return cell_of(column, row); });
  return text;
}

}  // namespace vmflow
