// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/cluster_tables.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "analysis/amount_text.h"
#include "analysis/feature_words.h"

namespace vmflow {
namespace {

constexpr auto kNumber = ColumnKind::kNumber;
constexpr size_t kMostOutliers = 10;

std::string counted_rows(const Clusters& all, size_t rows) {
  return counted_text(rows, all.each_window ? "window" : "VM");
}

bool has_several_hosts(const Clusters& all) {
  return std::ranges::any_of(all.table.rows, [&](const FeatureRow& row) {
    return row.host != all.table.rows.front().host;
  });
}

/// Errors: the bare seconds, of a time that no calendar has.
std::string moment_text(double unix_seconds) {
  constexpr double kLast = 253'402'300'799;  // of the year 9999
  if (!(unix_seconds >= 0 && unix_seconds <= kLast)) return fmt::format("{:g} s", unix_seconds);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(unix_seconds)));
}

std::string silhouette_text(const GroupChoice& choice) {
  return choice.tried.empty() ? "-" : fmt::format("{:.2f}", choice.silhouette);
}

}  // namespace

std::string clusters_finding(const Clusters& all) {
  const auto rows = counted_rows(all, all.table.rows.size());
  const auto features = counted_text(all.used.size(), "feature");
  if (all.clusters.size() == 1) return fmt::format("{} are one group, by {}.", rows, features);
  return fmt::format("{} fall into {} groups, by {}.", rows, all.clusters.size(), features);
}

std::string cluster_title(const VmCluster& cluster) {
  return fmt::format("Group {}: {}", cluster.id, shown_text(cluster.sentence));
}

std::string row_name(const Clusters& all, size_t row) {
  const auto& its = all.table.rows[row];
  auto name = its.name.empty() ? its.vm : its.name;
  if (!its.host.empty() && has_several_hosts(all)) name += " on " + its.host;
  if (all.each_window) name += fmt::format(" at {}", moment_text(its.begin_seconds));
  return shown_text(name);
}

ReportTable contrasts_table(const Clusters& all, const VmCluster& cluster) {
  const bool has_others = all.clusters.size() > 1;
  ReportTable table{has_others ? "What sets it apart, most first:" : "What it has much of:",
                    {{"Feature"}, {"Here", kNumber}},
                    {}};
  if (has_others) table.columns.push_back({"Others", kNumber});
  table.columns.push_back({"Column"});
  for (const auto& contrast : cluster.contrasts) {
    const auto& name = all.table.columns[contrast.column].name;
    TableRow row{
        {shown_text(feature_words(name)), feature_amount(name, contrast.here)}, std::nullopt, ""};
    if (has_others) row.cells.push_back(feature_amount(name, contrast.others.value_or(0)));
    row.cells.push_back(shown_text(name));
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) table.sentence = "No single feature sets it apart.";
  return table;
}

ReportTable outliers_table(const Clusters& all, const VmCluster& cluster) {
  ReportTable table{
      "Far from its centre, by how many times its usual distance, and in what most:",
      {{all.each_window ? "Window" : "VM"}, {"Distance", kNumber}, {"Has"}, {"Group", kNumber}},
      {}};
  for (const auto& outlier : cluster.outliers) {
    if (table.rows.size() == kMostOutliers) break;
    const auto& name = all.table.columns[outlier.column].name;
    const double value = all.table.rows[outlier.row].values[outlier.column];
    table.rows.push_back(
        {{row_name(all, outlier.row), fmt::format("{:.1f} times", outlier.times),
          shown_text(feature_text(name, value)), feature_amount(name, outlier.group_value)},
         std::nullopt,
         ""});
  }
  if (cluster.outliers.size() > kMostOutliers)
    table.sentence = fmt::format(
        "Far from its centre, the farthest {} of {}, by how many times its usual "
        "distance, and in what most:",
        kMostOutliers, count_text(cluster.outliers.size()));
  if (table.rows.empty()) table.sentence = "";
  return table;
}

std::string members_text(const Clusters& all, const VmCluster& cluster, size_t most) {
  auto rows = cluster.rows;
  std::ranges::stable_sort(rows, {}, [&](size_t row) { return all.distance[row]; });
  std::string text;
  for (size_t i = 0; i < std::min(most, rows.size()); i++)
    text += (i == 0 ? "" : ", ") + row_name(all, rows[i]);
  if (rows.size() > most) text += fmt::format(" and {} more", count_text(rows.size() - most));
  return text;
}

ReportTable stages_table(const Clusters& all) {
  ReportTable table{
      "Groups are those with the best silhouette (1: far apart, 0: not at all), if it is well "
      "above "
      "that of points without groups:",
      {{"Split"},
       {all.each_window ? "Windows" : "VMs", kNumber},
       {"Features", kNumber},
       {"Groups", kNumber},
       {"Silhouette", kNumber},
       {"Needed", kNumber}},
      {}};
  for (const auto& stage : all.stages) {
    const auto& choice = stage.choice;
    table.rows.push_back(
        {{stage.within.empty() ? "all" : "group " + stage.within, count_text(stage.rows),
          std::to_string(stage.columns),
          fmt::format("{}{}", choice.grouping.groups, choice.is_given ? " (given)" : ""),
          silhouette_text(choice),
          choice.is_given || choice.tried.empty() ? "-" : fmt::format("{:.2f}", choice.needed)},
         std::nullopt,
         ""});
  }
  return table;
}

ReportTable dropped_table(const Clusters& all) {
  ReportTable table{"Features that tell nothing, and were left out:", {{"Feature"}, {"Why"}}, {}};
  for (const auto& column : all.dropped)
    table.rows.push_back({{shown_text(column.name), column.why}, std::nullopt, ""});
  if (table.rows.empty()) table.sentence = "";
  return table;
}

}  // namespace vmflow
