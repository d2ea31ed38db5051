// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/clusters.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "analysis/amount_text.h"
#include "analysis/cluster_words.h"
#include "analysis/name_pattern.h"
#include "analysis/principal_components.h"

namespace vmflow {
namespace {

using Patterns = std::vector<std::string>;

// Every share of time is a state or a wait.
const Patterns kCoarse = {"wait_*", "*_ratio"};
const Patterns kFine = {"exits_*"};
constexpr size_t kFewestToSplit = 4;
constexpr size_t kMostNamed = 12;

bool matches(const std::string& name, const Patterns& patterns) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return name_matches(name, pattern); });
}

std::vector<size_t> columns_of(const FeatureTable& table, const Patterns& patterns) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < table.columns.size(); i++)
    if (matches(table.columns[i].name, patterns)) columns.push_back(i);
  return columns;
}

std::string names_of(const FeatureTable& table) {
  std::string names;
  for (size_t i = 0; i < std::min(kMostNamed, table.columns.size()); i++)
    names += (i == 0 ? "" : ", ") + table.columns[i].name;
  if (table.columns.size() > kMostNamed)
    names += fmt::format(" and {} more", table.columns.size() - kMostNamed);
  return names;
}

/// What each stage goes by. Shape: `fine` is empty with a single stage.
struct StagePatterns {
  Patterns coarse, fine;
};

StagePatterns patterns_of(const ClusterOptions& options) {
  const bool has_two = options.stages == 2;
  StagePatterns patterns{options.coarse, options.fine};
  if (patterns.coarse.empty()) patterns.coarse = has_two ? kCoarse : Patterns{"*"};
  if (patterns.fine.empty() && has_two) patterns.fine = kFine;
  return patterns;
}

/// "" if the columns that were asked for are there.
std::string missing_columns(const FeatureTable& table, const Patterns& wanted, bool is_asked,
                            std::string_view stage) {
  const auto says = [&](const std::string& what) {
    return fmt::format("no column is called {}, by which the {} stage groups; there are: {}", what,
                       stage, names_of(table));
  };
  if (is_asked)
    for (const auto& pattern : wanted)
      if (columns_of(table, {pattern}).empty()) return says("'" + pattern + "'");
  return columns_of(table, wanted).empty() ? says(fmt::format("'{}'", fmt::join(wanted, "' or '")))
                                           : "";
}

std::string problem_of(const FeatureTable& table, const ClusterOptions& options,
                       const StagePatterns& patterns) {
  if (options.stages != 1 && options.stages != 2) return "there are one or two stages";
  if (options.stages == 1 && !options.fine.empty())
    return "columns for the fine stage need two stages";
  if (table.columns.empty()) return "the table has no features";
  if (table.rows.empty()) return "the table has no VM";
  auto problem = missing_columns(table, patterns.coarse, !options.coarse.empty(),
                                 options.stages == 2 ? "coarse" : "only");
  if (problem.empty() && options.stages == 2)
    problem = missing_columns(table, patterns.fine, !options.fine.empty(), "fine");
  return problem;
}

std::vector<size_t> used_columns(const FeatureTable& table, const StagePatterns& patterns) {
  auto both = patterns.coarse;
  both.insert(both.end(), patterns.fine.begin(), patterns.fine.end());
  return columns_of(table, both);
}

/// The rows and columns that are compared. Errors: sets `problem` if that cannot be.
void prepare(Clusters& all, const FeatureTable& table, const ClusterOptions& options,
             const StagePatterns& patterns) {
  all.each_window = options.each_window;
  all.seed = options.seed;
  all.table = table;
  if (!options.each_window) all.table = mean_of_windows(all.table);
  const auto* what = options.each_window ? "window" : "VM";
  if (const auto empty = drop_empty_rows(all.table); empty > 0)
    all.notes.push_back(
        fmt::format("{} left out: no feature of them is known", counted_text(empty, what)));
  if (all.table.rows.empty()) {
    all.problem = "no feature of any VM is known";
  } else if (all.table.rows.size() == 1) {
    all.problem = fmt::format("there is one {} only, and nothing to compare it with", what);
  } else {
    all.dropped = fill_or_drop(all.table);
    all.used = used_columns(all.table, patterns);
    if (all.used.empty())
      all.problem = fmt::format(
          "nothing tells the {} {}s apart: each feature is the same for all, or mostly "
          "not known",
          all.table.rows.size(), what);
  }
}

PointSet part_of(const FeaturePoints& points, const std::vector<size_t>& rows) {
  PointSet part{points.scaled.dimensions, {}};
  for (const auto row : rows) {
    const auto point = points.scaled.point(row);
    part.at.insert(part.at.end(), point.begin(), point.end());
  }
  return part;
}

std::vector<std::vector<size_t>> rows_by_group(const std::vector<size_t>& rows,
                                               const Grouping& grouping) {
  std::vector<std::vector<size_t>> groups(grouping.groups);
  for (size_t i = 0; i < rows.size(); i++) groups[grouping.label[i]].push_back(rows[i]);
  return groups;
}

/// Splits rows by some columns, and notes how. Shape: the rows of each group.
std::vector<std::vector<size_t>> split(Clusters& all, const std::string& within,
                                       const std::vector<size_t>& rows, const FeaturePoints& points,
                                       const ClusterOptions& options,
                                       std::optional<uint32_t> given) {
  ClusterStage stage{
      .within = within, .rows = rows.size(), .columns = points.column.size(), .choice = {}};
  if (points.column.empty())
    stage.choice.grouping = one_group(rows.size());  // all that it wants is the same for all
  else
    stage.choice = choose_groups(part_of(points, rows), options.most_groups, given, options.seed);
  auto groups = rows_by_group(rows, stage.choice.grouping);
  all.stages.push_back(std::move(stage));
  return groups;
}

void add_cluster(Clusters& all, std::string id, std::vector<size_t> rows) {
  for (const auto row : rows) all.cluster_of[row] = static_cast<uint32_t>(all.clusters.size());
  auto& cluster = all.clusters.emplace_back();
  cluster.id = std::move(id);
  cluster.rows = std::move(rows);
}

void group(Clusters& all, const ClusterOptions& options, const StagePatterns& patterns) {
  std::vector<size_t> rows(all.table.rows.size());
  std::iota(rows.begin(), rows.end(), size_t{0});
  all.cluster_of.assign(rows.size(), 0);
  const auto coarse = feature_points(all.table, columns_of(all.table, patterns.coarse));
  const auto groups = split(all, "", rows, coarse, options, options.groups);
  FeaturePoints fine;
  if (options.stages == 2) fine = feature_points(all.table, columns_of(all.table, patterns.fine));
  for (size_t i = 0; i < groups.size(); i++) {
    const auto id = std::to_string(i + 1);
    if (options.stages == 1 || groups[i].size() < kFewestToSplit) {
      add_cluster(all, id, groups[i]);
      continue;
    }
    const auto parts = split(all, id, groups[i], fine, options, std::nullopt);
    for (size_t j = 0; j < parts.size(); j++)
      add_cluster(all, parts.size() == 1 ? id : fmt::format("{}.{}", id, j + 1), parts[j]);
  }
}

void note_choice(Clusters& all, const ClusterOptions& options) {
  const auto& first = all.stages.front().choice;
  if (first.is_told) return;
  if (first.is_given)
    all.notes.push_back(fmt::format("fewer than {} of them differ, so they are one group",
                                    options.groups.value_or(0)));
  else
    all.notes.push_back(
        fmt::format("no groups are told apart: the best silhouette is {:.2f}, and {:.2f} is needed",
                    first.silhouette, first.needed));
}

ClusterPlot plot_of(const Clusters& all) {
  const auto components = principal_components(feature_points(all.table, all.used).scaled);
  ClusterPlot plot;
  const auto put = [&](size_t i, std::vector<double>& at, double& share, std::string& words) {
    at.assign(all.table.rows.size(), 0);
    if (i >= components.direction.size()) return;
    for (size_t row = 0; row < at.size(); row++) at[row] = components.points.point(row)[i];
    share = components.share[i];
    words = direction_words(all, components.direction[i]);
  };
  put(0, plot.x, plot.x_share, plot.x_words);
  put(1, plot.y, plot.y_share, plot.y_words);
  return plot;
}

}  // namespace

Clusters cluster_vms(const FeatureTable& table, const ClusterOptions& options) {
  Clusters all;
  const auto patterns = patterns_of(options);
  all.problem = problem_of(table, options, patterns);
  if (all.problem.empty()) prepare(all, table, options, patterns);
  if (!all.problem.empty()) return all;
  group(all, options, patterns);
  note_choice(all, options);
  describe_clusters(all);
  all.plot = plot_of(all);
  return all;
}

}  // namespace vmflow
