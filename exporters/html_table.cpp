// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "analysis/flow_names.h"
#include "exporters/html_text.h"

namespace vmflow {
namespace {

/// The bar's own length: a page may not set styles, but drawings have sizes.
constexpr double kLength = 1000;

std::string_view alignment(ColumnKind kind) {
  return kind == ColumnKind::kNumber ? " class=\"number\"" : "";
}

std::string swatch(const std::string& key) {
  return key.empty() ? "" : fmt::format("<i class=\"swatch {}\"></i>", html_text(key));
}

std::string row_html(const ReportTable& table, const TableRow& row, bool splits) {
  std::string out =
      splits || row.key.empty() ? "<tr>" : fmt::format("<tr class=\"{}\">", html_text(row.key));
  for (size_t i = 0; i < row.cells.size(); i++) {
    const auto text = html_text(row.cells[i]);
    if (i == 0)
      out += fmt::format("<th scope=\"row\"{}>{}<bdi>{}</bdi></th>",
                         alignment(table.columns[i].kind), splits ? swatch(row.key) : "", text);
    else
      out += fmt::format("<td{}>{}</td>", alignment(table.columns[i].kind), text);
  }
  return out + "</tr>\n";
}

bool splits(const ReportTable& table) {
  return std::ranges::any_of(table.rows, [](const auto& row) { return row.share.has_value(); });
}

}  // namespace

std::string html_bar(const ReportTable& table) {
  if (!splits(table)) return "";
  const auto share = [](const TableRow& row) {
    return std::clamp(row.share.value_or(0), 0.0, 1.0);
  };
  const auto sum = std::accumulate(table.rows.begin(), table.rows.end(), 0.0,
                                   [&](double all, const auto& row) { return all + share(row); });
  const auto share_column =
      std::ranges::find(table.columns, "Share", &TableColumn::name) - table.columns.begin();
  std::string words, parts;
  double at = 0;
  for (const auto& row : table.rows) {
    const auto name = row.cells.front();
    const auto part =
        html_text(row.cells.front() + " " + row.cells.at(static_cast<size_t>(share_column)));
    words += (words.empty() ? "" : ", ") + part;
    const auto length = share(row) / std::max(1.0, sum) * kLength;
    parts += fmt::format(
        "<rect class=\"{}\" x=\"{:.2f}\" width=\"{:.2f}\" height=\"10\"><title>{}</title></rect>",
        html_text(row.key), at, length, part);
    at += length;
  }
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 {:.0f} 10\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"{}\">{}</svg>\n",
      kLength, words, parts);
}

std::string html_table(const ReportTable& table) {
  std::string out = "<div class=\"table\"><p>" + html_text(table.sentence) + "</p>\n";
  if (table.rows.empty()) return out + "</div>\n";
  out += html_bar(table) + "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>";
  for (const auto& column : table.columns)
    out +=
        fmt::format("<th scope=\"col\"{}>{}</th>", alignment(column.kind), html_text(column.name));
  out += "</tr></thead>\n<tbody>\n";
  const bool has_bar = splits(table);
  for (const auto& row : table.rows) out += row_html(table, row, has_bar);
  return out + "</tbody></table></div></div>\n";
}

std::string html_state_key(const TraceReport& report) {
  std::set<uint32_t> states;
  for (const auto& vm : report.vms) {
    for (uint32_t i = 0; i < FLOW_STATES; i++)
      if (vm.flow.time.state_ns[i] > 0) states.insert(i);
    if (vm.flow.time.unaccounted_ns > 0) states.insert(FLOW_UNKNOWN);
  }
  std::string out = "<ul class=\"key\">\n";
  for (const auto state : states) {
    const auto name = state_name(static_cast<flow_state>(state));
    out += fmt::format("<li title=\"{}\">{}{}</li>\n", html_text(name.meaning),
                       swatch(fmt::format("state-{}", name.name)), name.name);
  }
  return out + "</ul>\n";
}

}  // namespace vmflow
