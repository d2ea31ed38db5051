// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/cluster_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "analysis/amount_text.h"
#include "analysis/feature_words.h"

namespace vmflow {
namespace {

constexpr size_t kMostContrasts = 12, kMostWords = 3;
constexpr double kLeastApart = 0.5;   // what scatters twice as much as it differs says nothing
constexpr double kLeastCause = 0.05;  // of what is fully so
constexpr double kScatter = 0.25;     // added to what two groups scatter: two equal ones have none

/// Of one column, in scaled units.
struct Spread {
  double middle = 0;
  double scatter = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread{.middle = median_of(values)};
  for (const auto value : values)
    spread.scatter += std::abs(value - spread.middle) / static_cast<double>(values.size());
  return spread;
}

/// What a column has in a group and elsewhere.
template <typename Value>
std::pair<std::vector<double>, std::vector<double>> split(const Clusters& all, uint32_t cluster,
                                                          const Value& value) {
  std::pair<std::vector<double>, std::vector<double>> parts;
  for (size_t row = 0; row < all.cluster_of.size(); row++)
    (all.cluster_of[row] == cluster ? parts.first : parts.second).push_back(value(row));
  return parts;
}

FeatureContrast contrast_of(const Clusters& all, uint32_t cluster, size_t column,
                            const PointSet& scaled) {
  const auto [here, others] =
      split(all, cluster, [&](size_t row) { return all.table.rows[row].values[column]; });
  FeatureContrast contrast;
  contrast.column = column;
  contrast.here = median_of(here);
  if (others.empty()) return contrast;
  contrast.others = median_of(others);
  const auto [scaled_here, scaled_others] =
      split(all, cluster, [&](size_t row) { return scaled.point(row)[column]; });
  const auto a = spread_of(scaled_here), b = spread_of(scaled_others);
  contrast.apart = (a.middle - b.middle) / (a.scatter + b.scatter + kScatter);
  return contrast;
}

/// How fully a feature speaks for its cause: by how much there is of it, and how much of that the
/// others have not.
double strength(const FeatureTable& table, const FeatureContrast& contrast) {
  const auto& kind = feature_kind(table.columns[contrast.column].name);
  if (kind.cause.empty() || contrast.here <= 0 || contrast.here < kind.least) return 0;
  const double full = std::min(1.0, contrast.here / kind.full);
  if (kind.counts_anyway) return full;
  const double others = std::clamp(contrast.others.value_or(0), 0.0, contrast.here);
  return full * (1 - others / contrast.here);
}

struct CauseFound {
  std::string_view cause;
  double strength = 0;
};

CauseFound cause_of(const FeatureTable& table, const std::vector<FeatureContrast>& contrasts) {
  CauseFound best;
  for (const auto& contrast : contrasts)
    if (const double its = strength(table, contrast); its > best.strength)
      best = {feature_kind(table.columns[contrast.column].name).cause, its};
  return best.strength >= kLeastCause ? best : CauseFound{};
}

/// What speaks for the cause first; then what differs most.
void put_in_order(const FeatureTable& table, std::string_view cause,
                  std::vector<FeatureContrast>& contrasts) {
  const auto rank = [&](const FeatureContrast& contrast) {
    const bool speaks = !cause.empty() &&
                        feature_kind(table.columns[contrast.column].name).cause == cause &&
                        strength(table, contrast) >= kLeastCause;
    return std::pair(speaks ? strength(table, contrast) : 0, std::abs(contrast.apart));
  };
  std::ranges::stable_sort(contrasts, std::greater{}, rank);
}

bool is_worth_a_word(const FeatureTable& table, const FeatureContrast& contrast) {
  return contrast.others ? std::abs(contrast.apart) >= kLeastApart
                         : strength(table, contrast) >= kLeastCause;
}

std::string contrast_text(const FeatureTable& table, const FeatureContrast& contrast) {
  const auto& name = table.columns[contrast.column].name;
  auto text = feature_text(name, contrast.here);
  if (contrast.others) text += fmt::format(" (others {})", feature_amount(name, *contrast.others));
  return text;
}

std::string sentence_of(const Clusters& all, const VmCluster& cluster) {
  auto sentence = fmt::format("{}, {}", cluster.cause,
                              counted_text(cluster.rows.size(), all.each_window ? "window" : "VM"));
  std::string words;
  for (size_t i = 0; i < std::min(kMostWords, cluster.contrasts.size()); i++)
    words += (words.empty() ? ": " : ", ") + contrast_text(all.table, cluster.contrasts[i]);
  return sentence + words;
}

/// A group's centre and how far its rows are from it.
class Surroundings {
 public:
  Surroundings(const PointSet& scaled, const std::vector<size_t>& rows)
      : scaled_(scaled), rows_(rows), centre_(scaled.dimensions) {
    for (const auto row : rows)
      for (size_t j = 0; j < centre_.size(); j++)
        centre_[j] += scaled.point(row)[j] / static_cast<double>(rows.size());
  }
  double distance(size_t row) const {
    double sum = 0;
    for (size_t j = 0; j < centre_.size(); j++) sum += square(scaled_.point(row)[j] - centre_[j]);
    return std::sqrt(sum);
  }
  size_t farthest_column(size_t row) const {
    size_t column = 0;
    for (size_t j = 0; j < centre_.size(); j++)
      if (off(row, j) > off(row, column)) column = j;
    return column;
  }

 private:
  static double square(double value) { return value * value; }
  double off(size_t row, size_t column) const {
    return std::abs(scaled_.point(row)[column] - centre_[column]);
  }
  const PointSet& scaled_;
  const std::vector<size_t>& rows_;
  std::vector<double> centre_;
};

/// Farther than what is usual by this many of its usual scatters (Iglewicz and Hoaglin 1993), and
/// by this factor.
constexpr double kFarScatters = 3.5, kFarTimes = 1.5, kNormalScatter = 1.4826;
constexpr size_t kFewestToTell = 5;  // of fewer nobody can say what is usual

void find_outliers(Clusters& all, VmCluster& cluster, const PointSet& scaled) {
  const Surroundings around(scaled, cluster.rows);
  std::vector<double> distances, off;
  for (const auto row : cluster.rows) distances.push_back(all.distance[row] = around.distance(row));
  if (cluster.rows.size() < kFewestToTell) return;
  const double usual = median_of(distances);
  for (const auto distance : distances) off.push_back(std::abs(distance - usual));
  const double far =
      std::max(usual + kFarScatters * kNormalScatter * median_of(off), usual * kFarTimes);
  for (size_t i = 0; i < distances.size(); i++) {
    if (!(distances[i] > far) || usual <= 0) continue;
    const auto row = cluster.rows[i];
    const auto column = all.used[around.farthest_column(row)];
    std::vector<double> values;
    for (const auto each : cluster.rows) values.push_back(all.table.rows[each].values[column]);
    cluster.outliers.push_back({row, distances[i] / usual, column, median_of(values)});
  }
  std::ranges::stable_sort(cluster.outliers, std::greater{}, &ClusterOutlier::times);
}

}  // namespace

void describe_clusters(Clusters& clusters) {
  std::vector<size_t> every(clusters.table.columns.size());
  std::iota(every.begin(), every.end(), size_t{0});
  const auto scaled = feature_points(clusters.table, every).scaled;
  const auto used = feature_points(clusters.table, clusters.used).scaled;
  clusters.distance.assign(clusters.table.rows.size(), 0);
  for (uint32_t i = 0; i < clusters.clusters.size(); i++) {
    auto& cluster = clusters.clusters[i];
    std::vector<FeatureContrast> contrasts;
    for (size_t column = 0; column < clusters.table.columns.size(); column++)
      contrasts.push_back(contrast_of(clusters, i, column, scaled));
    const auto cause = cause_of(clusters.table, contrasts).cause;
    cluster.cause = cause.empty() ? "ordinary" : std::string(cause);
    std::erase_if(contrasts, [&](const FeatureContrast& contrast) {
      return !is_worth_a_word(clusters.table, contrast);
    });
    put_in_order(clusters.table, cause, contrasts);
    if (contrasts.size() > kMostContrasts) contrasts.resize(kMostContrasts);
    cluster.contrasts = std::move(contrasts);
    cluster.sentence = sentence_of(clusters, cluster);
    find_outliers(clusters, cluster, used);
  }
}

std::string direction_words(const Clusters& clusters, const std::vector<double>& direction) {
  std::vector<size_t> order(direction.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater{}, [&](size_t i) { return std::abs(direction[i]); });
  std::string words;
  constexpr size_t kMost = 2;
  constexpr double kLeast = 0.2;  // of the direction's length
  for (size_t i = 0; i < std::min(kMost, order.size()); i++) {
    const auto part = direction[order[i]];
    if (i > 0 && std::abs(part) < kLeast) break;
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", part < 0 ? "less" : "more",
                         feature_words(clusters.table.columns[clusters.used[order[i]]].name));
  }
  return words;
}

}  // namespace vmflow
