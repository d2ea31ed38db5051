// SPDX-License-Identifier: GPL-2.0-only
#include <algorithm>

#include "analysis/amount_text.h"
#include "exporters/report_tables.h"

namespace vmflow {
namespace {

std::string colour_key(const PathPart& part) {
  if (part.doing == Doing::kRunning)
    return "path-level-" + std::to_string(std::min<int>(part.level, 2));
  return "path-doing-" + std::string(doing_name(part.doing));
}

}  // namespace

ReportTable path_table(const ReportPath& report) {
  constexpr auto kNumber = ColumnKind::kNumber;
  constexpr size_t kMost = 10;
  const auto& path = report.path;
  ReportTable table{
      "Critical path: " + report.sentence,
      {{"Whose time"}, {"What it did"}, {"Time", kNumber}, {"Share", kNumber}, {"Times", kNumber}},
      {}};
  const uint64_t whole = path.end_ns - path.begin_ns;
  for (size_t i = 0; i < std::min(kMost, path.parts.size()); i++) {
    const auto& part = path.parts[i];
    if (part.worker >= report.workers.size()) continue;
    table.rows.push_back({{report.workers[part.worker].name, part_text(report, part),
                           time_text(part.ns), share_text(part.ns, whole), count_text(part.count)},
                          static_cast<double>(part.ns) / static_cast<double>(whole),
                          colour_key(part)});
  }
  return table;
}

}  // namespace vmflow
