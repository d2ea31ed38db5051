// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/html_path.h"

#include <algorithm>
#include <functional>
#include <map>
#include <numeric>
#include <tuple>

#include "exporters/report_tables.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kRows = 10, kNoRow = ~size_t{0};

/// Stretches that are one from now on.
class Run {
 public:
  void take(const PathStretch& each) {
    if (sums_.empty()) begin_ns_ = each.begin_ns;
    end_ns_ = each.end_ns;
    auto& [first, ns] =
        sums_.try_emplace({each.worker, each.by, each.doing, each.level}, each, 0).first->second;
    ns += each.end_ns - each.begin_ns;
  }
  uint64_t length() const { return end_ns_ - begin_ns_; }
  void end(std::vector<PathStretch>& all) {
    if (sums_.empty()) return;
    const auto most =
        std::ranges::max_element(sums_, {}, [](const auto& each) { return each.second.second; });
    auto stretch = most->second.first;
    stretch.begin_ns = begin_ns_;
    stretch.end_ns = end_ns_;
    all.push_back(stretch);
    *this = {};
  }

 private:
  std::map<std::tuple<uint32_t, uint32_t, Doing, uint8_t>, std::pair<PathStretch, uint64_t>> sums_;
  uint64_t begin_ns_ = 0, end_ns_ = 0;
};

/// The row of each worker: those of which the path is made most have rows, the others the last,
/// those that it only waits behind none.
std::vector<size_t> rows_of(const ReportPath& report) {
  std::vector<uint64_t> ns(report.workers.size(), 0);
  for (const auto& part : report.path.parts)
    if (part.worker < ns.size()) ns[part.worker] += part.ns;
  std::vector<size_t> order;
  for (size_t i = 0; i < ns.size(); i++)
    if (i == 0 || ns[i] > 0) order.push_back(i);
  if (!order.empty())
    std::stable_sort(order.begin() + 1, order.end(),
                     [&](size_t a, size_t b) { return ns[a] > ns[b]; });
  std::vector<size_t> rows(ns.size(), kNoRow);
  for (size_t i = 0; i < order.size(); i++) rows[order[i]] = std::min(i, kRows - 1);
  return rows;
}

Json row_names(const ReportPath& report, const std::vector<size_t>& rows) {
  std::vector<std::string> names;
  for (size_t i = 0; i < rows.size(); i++) {
    if (rows[i] == kNoRow) continue;
    if (names.size() <= rows[i]) names.resize(rows[i] + 1);
    auto& name = names[rows[i]];
    name = name.empty() ? shown_text(report.workers[i].name) : "others";
  }
  return names;
}

}  // namespace

std::vector<PathStretch> coarse_stretches(const CriticalPath& path, size_t most) {
  if (path.stretches.size() <= most) return path.stretches;
  const uint64_t shortest_ns = (path.end_ns - path.begin_ns) / std::max<uint64_t>(1, most / 2) + 1;
  std::vector<PathStretch> all;
  Run run;
  for (const auto& each : path.stretches) {
    const bool is_long = each.end_ns - each.begin_ns >= shortest_ns;
    if (is_long) run.end(all);
    run.take(each);
    if (is_long || run.length() >= shortest_ns) run.end(all);
  }
  run.end(all);
  return all;
}

Json html_path_json(const ReportPath& report, const ReportWindow& window, size_t most) {
  const auto rows = rows_of(report);
  Json names = Json::array(), numbers = Json::array();
  for (const auto& worker : report.workers) names.push_back(shown_text(worker.name));
  const auto stretches = coarse_stretches(report.path, most);
  for (const auto& each : stretches) {
    if (each.worker >= rows.size() || rows[each.worker] == kNoRow) continue;
    for (const uint64_t number :
         {each.begin_ns - std::min(each.begin_ns, window.begin_ns), each.end_ns - each.begin_ns,
          uint64_t{rows[each.worker]}, static_cast<uint64_t>(each.doing), uint64_t{each.level}})
      numbers.push_back(number);
    numbers.push_back(each.by < report.workers.size() ? int64_t{each.by} : int64_t{-1});
  }
  return {{"sentence", shown_text(report.sentence)},
          {"rows", row_names(report, rows)},
          {"names", std::move(names)},
          {"whole", stretches.size() == report.path.stretches.size()},
          {"stretches", std::move(numbers)}};
}

Json doings_json() {
  Json rows = Json::array();
  for (uint32_t i = 0; i < kDoings; i++) {
    const auto doing = static_cast<Doing>(i);
    rows.push_back({{"name", doing_name(doing)}, {"meaning", doing_meaning(doing)}});
  }
  return rows;
}

}  // namespace vmflow
