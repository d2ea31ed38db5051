// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/text_table.h"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <vector>

namespace vmflow {
namespace {

constexpr size_t kColumns = 80, kGap = 2, kNarrowest = 8;

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
}

size_t width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(text, begins_character));
}

std::string cut(const std::string& text, size_t columns) {
  if (width(text) <= columns) return text;
  std::string shorter;
  size_t characters = 0;
  for (const char byte : text) {
    if (begins_character(byte) && characters++ == columns - 1) break;
    shorter += byte;
  }
  return shorter + "…";
}

std::string padded(const std::string& text, size_t columns, ColumnKind kind) {
  const std::string space(columns - std::min(columns, width(text)), ' ');
  return kind == ColumnKind::kNumber ? space + text : text + space;
}

/// The columns' widths, the widest texts cut until a line holds them. Prose has no width here.
std::vector<size_t> widths(const ReportTable& table, size_t indent) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < table.columns.size(); i++) {
    if (table.columns[i].kind == ColumnKind::kProse) {
      widths.push_back(0);
      continue;
    }
    size_t widest = width(table.columns[i].name);
    for (const auto& row : table.rows) widest = std::max(widest, width(row.cells[i]));
    widths.push_back(widest);
  }
  const auto line = [&] {
    return std::accumulate(widths.begin(), widths.end(), indent + kGap * (widths.size() - 1));
  };
  while (line() > kColumns) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kNarrowest) break;
    *widest -= std::min(*widest - kNarrowest, line() - kColumns);
  }
  return widths;
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string wrapped_text(std::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  std::istringstream words{std::string(text)};
  std::string out, line;
  for (std::string word; words >> word;) {
    word = cut(word, kColumns - indent);
    if (!line.empty() && indent + width(line) + 1 + width(word) > kColumns) {
      out += margin + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + margin + line + "\n";
}

std::string text_table(const ReportTable& table, size_t indent) {
  std::string out = wrapped_text(table.sentence, indent - 2);
  if (table.rows.empty()) return out + "\n";
  const auto columns = widths(table, indent);
  std::string head(indent, ' ');
  for (size_t i = 0; i < columns.size(); i++)
    if (columns[i] > 0)
      head += padded(cut(table.columns[i].name, columns[i]), columns[i], table.columns[i].kind) +
              std::string(kGap, ' ');
  out += trimmed(head);
  for (const auto& row : table.rows) {
    std::string line(indent, ' '), prose;
    for (size_t i = 0; i < columns.size(); i++)
      if (columns[i] > 0)
        line += padded(cut(row.cells[i], columns[i]), columns[i], table.columns[i].kind) +
                std::string(kGap, ' ');
      else
        prose += wrapped_text(row.cells[i], indent + 2);
    out += trimmed(line) + prose;
  }
  return out + "\n";
}

}  // namespace vmflow
