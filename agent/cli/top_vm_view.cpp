// SPDX-License-Identifier: GPL-2.0-only
// The screens of vmflow top beside its list: one VM, and the help.
#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/cell_text.h"
#include "agent/cli/top_view.h"
#include "agent/cli/vm_watch.h"

namespace vmflow {
namespace {

constexpr size_t kMostFirst = 40;

void add_wrapped(std::vector<Line>& lines, const std::string& text, size_t width, Tone tone) {
  for (auto& line : wrapped_to(text, width)) lines.push_back({{std::move(line), tone}});
}

std::vector<size_t> widths_of(const VmDetailTable& table) {
  std::vector<size_t> widths;
  for (const auto& title : table.titles) widths.push_back(cell_width(title));
  for (const auto& row : table.rows)
    for (size_t i = 0; i < std::min(row.size(), widths.size()); i++)
      widths[i] = std::max(widths[i], cell_width(row[i]));
  if (!widths.empty()) widths[0] = std::min(widths[0], kMostFirst);
  return widths;
}

std::string table_line(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < std::min(cells.size(), widths.size()); i++)
    line += i == 0 ? left_in(cells[i], widths[i]) : "  " + right_in(cells[i], widths[i]);
  return line;
}

void add_table(std::vector<Line>& lines, const VmDetailTable& table, size_t width) {
  lines.push_back({});
  const auto widths = widths_of(table);
  const auto titles = table.rows.empty() ? table.titles.front() : table_line(table.titles, widths);
  lines.push_back({{left_in(titles, width), Tone::kTitle}});
  if (table.rows.empty()) add_wrapped(lines, table.none, width, Tone::kDim);
  for (const auto& row : table.rows)
    lines.push_back({{cut_to(table_line(row, widths), width), Tone::kPlain}});
}

std::string who(const VmCounters& vm) {
  return fmt::format("{} {} pid {} {} vCPU{} since {}", shown_vm(vm),
                     vm.vmm.empty() ? "VMM not known" : in_cells(vm.vmm), vm.pid, vm.vcpus,
                     vm.vcpus == 1 ? "" : "s",
                     vm.start_unix_seconds ? utc_text(*vm.start_unix_seconds) : "-");
}

}  // namespace

std::vector<Line> vm_lines(const TopState& state, const TopPicture& picture, size_t width) {
  std::vector<Line> lines;
  const bool is_gone_now = is_gone(state, picture.rows);
  if (is_gone_now)
    add_wrapped(lines, in_cells(state.chosen) + " is gone: what follows is what was seen last",
                width, Tone::kBad);
  if (!picture.detail || picture.detail->vm.id != state.chosen) {
    add_wrapped(lines, is_gone_now ? "nothing of it was seen" : "asking ...", width, Tone::kDim);
    return lines;
  }
  const auto& detail = *picture.detail;
  add_wrapped(lines, who(detail.vm), width, Tone::kPlain);
  add_wrapped(lines, "label " + in_cells(detail.vm.id), width, Tone::kDim);
  add_wrapped(lines, detail.sentence.empty() ? "no verdict is told" : in_cells(detail.sentence),
              width, Tone::kPlain);
  const bool has_before = picture.detail_before && picture.detail_before->vm.id == state.chosen;
  for (const auto& table : detail_tables(has_before ? &*picture.detail_before : nullptr, detail))
    add_table(lines, table, width);
  return lines;
}

std::vector<Line> help_lines(size_t width) {
  std::vector<Line> lines;
  const auto add = [&](const std::string& text) { add_wrapped(lines, text, width, Tone::kPlain); };
  add("Percent are of a VM's vCPU time between two looks: 100 is all of its vCPUs, all of the "
      "time. A VM in its first look has none (-), nor has one whose counters fell.");
  lines.push_back({});
  for (const auto* key : {"arrows, j, k, PgUp, PgDn, Home, End   move", "Enter   one VM in detail",
                          "Esc, q   back; q ends from the list", "s, >   sort by the next column",
                          "<   sort by the column before", "r   the other way round",
                          "+, -   a longer or shorter delay between looks", "h, ?   this help"})
    add(key);
  lines.push_back({});
  for (const auto& column : top_columns()) {
    const auto meaning = wrapped_to(column.meaning, width > 10 ? width - 9 : width);
    for (size_t i = 0; i < meaning.size(); i++)
      lines.push_back({{cut_to(left_in(i == 0 ? column.title : "", 7) + "  " + meaning[i], width),
                        Tone::kPlain}});
  }
  return lines;
}

}  // namespace vmflow
