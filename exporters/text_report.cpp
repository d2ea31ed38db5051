// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/text_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <sstream>

#include "exporters/report_tables.h"

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

/// Words in lines; what is longer than a line is cut.
std::string wrapped(std::string_view text, size_t indent) {
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

std::string lines(const ReportTable& table, size_t indent) {
  std::string out = wrapped(table.sentence, indent - 2);
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
        prose += wrapped(row.cells[i], indent + 2);
    out += trimmed(line) + prose;
  }
  return out + "\n";
}

}  // namespace

std::string text_report(const TraceReport& report) {
  constexpr size_t kIndent = 2;
  std::string out = wrapped(shown_text(report.finding), 0);
  for (const auto& finding : report.findings) out += wrapped("- " + shown_text(finding), 0);
  out += "\n";
  if (!report.trigger.name.empty())
    out += wrapped(
        "Trigger: " + shown_text(report.trigger.name) + ": " + shown_text(report.trigger.text), 0);
  out += wrapped("Window:  " + window_text(report.window), 0);
  out += wrapped("Host:    " + host_text(report.host), 0);
  out += wrapped("Trust:   " + trust_text(report), 0) + "\n";
  out += lines(overview_table(report), kIndent);
  if (report.path) out += lines(path_table(*report.path), kIndent);
  for (const auto& vm : report.vms) {
    const auto name = shown_text(shown_name(vm.flow)), label = shown_text(vm.flow.label);
    out += wrapped("== " + name + (name == label ? "" : " (" + label + ")"), 0);
    out += wrapped(shown_text(vm.verdict.sentence), 0) + "\n";
    for (const auto& table : vm_tables(vm, report.window)) out += lines(table, kIndent);
  }
  if (!report.host_clocks.empty()) {
    out += "== Several hosts\n";
    for (const auto& table : {host_clock_table(report), host_packet_table(report)})
      out += lines(table, kIndent);
  }
  out += "== Can it be trusted?\n";
  for (const auto& table : {crosscheck_table(report), sources_table(report), missing_table(report),
                            anomalies_table(report)})
    out += lines(table, kIndent);
  for (const auto& left_out : report.crosscheck_left_out)
    out += wrapped("Not compared: " + shown_text(left_out), 0);
  return out;
}

}  // namespace vmflow
