// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/silhouette.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace vmflow {
namespace {

/// The points that are looked at, in their order.
std::vector<size_t> chosen(size_t points, uint64_t seed) {
  std::vector<size_t> all(points);
  std::iota(all.begin(), all.end(), 0);
  if (points <= kMostSilhouettes) return all;
  std::vector<size_t> some;
  std::mt19937_64 random(seed);
  std::ranges::sample(all, std::back_inserter(some), kMostSilhouettes, random);
  return some;
}

/// Dimension by dimension, so that the distances to all points grow side by side.
std::vector<double> by_dimension(const PointSet& points) {
  const size_t size = points.size();
  std::vector<double> columns(points.at.size());
  for (size_t i = 0; i < size; i++)
    for (size_t j = 0; j < points.dimensions; j++)
      columns[j * size + i] = points.at[i * points.dimensions + j];
  return columns;
}

void add_squares(const double* column, double from, double* squares, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double off = column[i] - from;
    squares[i] += off * off;
  }
}

void distances_to(std::span<const double> point, const std::vector<double>& columns,
                  std::vector<double>& distances) {
  constexpr size_t kBlock = 1024;  // stays in the cache while all dimensions are added
  const size_t size = distances.size();
  std::ranges::fill(distances, 0);
  for (size_t begin = 0; begin < size; begin += kBlock) {
    const size_t count = std::min(kBlock, size - begin);
    for (size_t j = 0; j < point.size(); j++)
      add_squares(&columns[j * size + begin], point[j], &distances[begin], count);
  }
  for (auto& distance : distances) distance = std::sqrt(distance);
}

double silhouette(size_t point, const std::vector<double>& distances, const Grouping& grouping,
                  const std::vector<double>& sizes, std::vector<double>& sums) {
  sums.assign(sizes.size(), 0);
  for (size_t i = 0; i < distances.size(); i++) sums[grouping.label[i]] += distances[i];
  const auto own = grouping.label[point];
  if (sizes[own] < 2) return 0;
  const double inside = sums[own] / (sizes[own] - 1);
  double outside = std::numeric_limits<double>::infinity();
  for (size_t group = 0; group < sizes.size(); group++)
    if (group != own) outside = std::min(outside, sums[group] / sizes[group]);
  const double most = std::max(inside, outside);
  return most > 0 ? (outside - inside) / most : 0;
}

std::vector<double> sizes_of(const Grouping& grouping) {
  std::vector<double> sizes(grouping.groups);
  for (const auto label : grouping.label) sizes[label]++;
  return sizes;
}

}  // namespace

std::vector<double> mean_silhouettes(const PointSet& points, std::span<const Grouping> groupings,
                                     uint64_t seed) {
  std::vector<double> means(groupings.size()), sums, distances(points.size());
  std::vector<std::vector<double>> sizes;
  for (const auto& grouping : groupings) sizes.push_back(sizes_of(grouping));
  const auto columns = by_dimension(points);
  const auto looked_at = chosen(points.size(), seed);
  for (const auto i : looked_at) {
    distances_to(points.point(i), columns, distances);
    for (size_t g = 0; g < groupings.size(); g++)
      if (groupings[g].groups > 1)
        means[g] += silhouette(i, distances, groupings[g], sizes[g], sums);
  }
  for (auto& mean : means) mean /= std::max<double>(1, static_cast<double>(looked_at.size()));
  return means;
}

}  // namespace vmflow
