// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/feature_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "analysis/feature_words.h"

namespace vmflow {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// The value below which `part` of them lie, between the two that are nearest. Sorted.
double quantile(const std::vector<double>& sorted, double part) {
  const double place = part * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

/// Sums of one VM's windows.
struct Windows {
  std::vector<double> sum, weight;
};

std::vector<double> known_values(const FeatureTable& table, size_t column) {
  std::vector<double> known;
  for (const auto& row : table.rows)
    if (!std::isnan(row.values[column])) known.push_back(row.values[column]);
  return known;
}

std::string reason_to_drop(const std::vector<double>& known, size_t rows) {
  if (known.size() * 2 < rows)
    return fmt::format("not known for {} of {}", rows - known.size(), rows);
  const auto [least, most] = std::ranges::minmax(known);
  return least == most ? fmt::format("{:g} for all", least) : "";
}

struct Scale {
  double middle = 0;
  double unit = 1;
};

/// Of a column that is not constant.
Scale scale_of(std::vector<double> values, double least) {
  std::ranges::sort(values);
  const double middle = quantile(values, 0.5);
  double unit = std::max(quantile(values, 0.75) - quantile(values, 0.25), least);
  if (unit > 0) return {middle, unit};
  // More than half of them are equal: what the others are off says how far is far.
  for (const auto value : values)
    unit += std::abs(value - middle) / static_cast<double>(values.size());
  return {middle, std::max(unit, std::numeric_limits<double>::min())};
}

double off(double value, const Scale& scale) {
  constexpr double kMost = std::numeric_limits<double>::max();
  return std::asinh(std::clamp((value - scale.middle) / scale.unit, -kMost, kMost));
}

}  // namespace

double median_of(std::vector<double> values) {
  if (values.empty()) return kUnknown;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return std::midpoint(*std::max_element(values.begin(), middle), *middle);
}

FeatureTable mean_of_windows(const FeatureTable& table) {
  FeatureTable means{table.columns, {}};
  std::map<std::pair<std::string, std::string>, size_t> places;
  std::vector<Windows> windows;
  const size_t columns = table.columns.size();
  for (const auto& row : table.rows) {
    const auto [found, is_new] = places.try_emplace({row.host, row.vm}, means.rows.size());
    if (is_new) {
      means.rows.push_back(row);
      windows.push_back({std::vector<double>(columns), std::vector<double>(columns)});
    }
    auto& mean = means.rows[found->second];
    auto& its = windows[found->second];
    mean.begin_seconds = std::min(mean.begin_seconds, row.begin_seconds);
    mean.end_seconds = std::max(mean.end_seconds, row.end_seconds);
    const double length = row.end_seconds - row.begin_seconds;
    const double weight = length > 0 ? length : 1;
    for (size_t i = 0; i < columns; i++) {
      if (std::isnan(row.values[i])) continue;
      its.sum[i] += weight * row.values[i];
      its.weight[i] += weight;
    }
  }
  for (size_t r = 0; r < means.rows.size(); r++)
    for (size_t i = 0; i < columns; i++)
      means.rows[r].values[i] =
          windows[r].weight[i] > 0 ? windows[r].sum[i] / windows[r].weight[i] : kUnknown;
  return means;
}

size_t drop_empty_rows(FeatureTable& table) {
  return std::erase_if(table.rows, [](const FeatureRow& row) {
    return std::ranges::all_of(row.values, [](double value) { return std::isnan(value); });
  });
}

std::vector<DroppedColumn> fill_or_drop(FeatureTable& table) {
  std::vector<DroppedColumn> dropped;
  std::vector<size_t> kept;
  for (size_t i = 0; i < table.columns.size(); i++) {
    const auto known = known_values(table, i);
    if (auto why = reason_to_drop(known, table.rows.size()); !why.empty()) {
      dropped.push_back({table.columns[i].name, std::move(why)});
      continue;
    }
    kept.push_back(i);
    const double middle = known.size() < table.rows.size() ? median_of(known) : 0;
    for (auto& row : table.rows)
      if (std::isnan(row.values[i])) row.values[i] = middle;
  }
  FeatureTable rest{{}, std::move(table.rows)};
  for (const auto i : kept) rest.columns.push_back(std::move(table.columns[i]));
  for (auto& row : rest.rows) {
    std::vector<double> values;
    for (const auto i : kept) values.push_back(row.values[i]);
    row.values = std::move(values);
  }
  table = std::move(rest);
  return dropped;
}

FeaturePoints feature_points(const FeatureTable& table, const std::vector<size_t>& columns) {
  FeaturePoints points{columns,
                       {columns.size(), std::vector<double>(table.rows.size() * columns.size())}};
  for (size_t j = 0; j < columns.size(); j++) {
    std::vector<double> values;
    for (const auto& row : table.rows) values.push_back(row.values[columns[j]]);
    const auto scale = scale_of(values, least_difference(table.columns[columns[j]].name));
    for (size_t i = 0; i < values.size(); i++)
      points.scaled.at[i * columns.size() + j] = off(values[i], scale);
  }
  return points;
}

}  // namespace vmflow
