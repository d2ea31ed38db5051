// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/k_means.h"

#include <libalglib/dataanalysis.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace vmflow {
namespace {

// Groups that are there are found within some rounds; only those that are not go on changing.
constexpr alglib::ae_int_t kStarts = 4, kMostRounds = 50;
constexpr alglib::ae_int_t kEuclidean = 2;

// It takes a seed below 1 for "any".
alglib::ae_int_t seed_of(uint64_t seed) {
  constexpr uint64_t kSeeds = 0x7fff'ffff;
  return static_cast<alglib::ae_int_t>(seed % kSeeds) + 1;
}

std::vector<uint32_t> labels_of(const PointSet& points, uint32_t groups, uint64_t seed) {
  alglib::real_2d_array values;
  values.setcontent(static_cast<alglib::ae_int_t>(points.size()),
                    static_cast<alglib::ae_int_t>(points.dimensions), points.at.data());
  alglib::clusterizerstate state;
  alglib::kmeansreport report;
  alglib::clusterizercreate(state);
  alglib::clusterizersetpoints(state, values, kEuclidean);
  alglib::clusterizersetkmeanslimits(state, kStarts, kMostRounds);
  alglib::clusterizersetseed(state, seed_of(seed));
  alglib::clusterizerrunkmeans(state, groups, report);
  if (report.terminationtype <= 0) return {};
  std::vector<uint32_t> labels(points.size());
  for (size_t i = 0; i < labels.size(); i++)
    labels[i] = static_cast<uint32_t>(report.cidx[static_cast<alglib::ae_int_t>(i)]);
  return labels;
}

}  // namespace

Grouping one_group(size_t points) {
  return {points == 0 ? 0u : 1u, std::vector<uint32_t>(points)};
}

Grouping numbered(const std::vector<uint32_t>& labels) {
  const uint32_t groups = labels.empty() ? 0 : *std::ranges::max_element(labels) + 1;
  std::vector<size_t> size(groups), first(groups);
  for (size_t i = labels.size(); i-- > 0;) {
    size[labels[i]]++;
    first[labels[i]] = i;
  }
  std::vector<uint32_t> order(groups), place(groups);
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) {
    return size[a] != size[b] ? size[a] > size[b] : first[a] < first[b];
  });
  for (uint32_t i = 0; i < groups; i++) place[order[i]] = i;
  Grouping result;
  result.groups =
      static_cast<uint32_t>(std::ranges::count_if(size, [](size_t points) { return points > 0; }));
  for (const auto label : labels) result.label.push_back(place[label]);
  return result;
}

std::optional<Grouping> k_means(const PointSet& points, uint32_t groups, uint64_t seed) {
  if (groups == 0 || points.size() < groups) return std::nullopt;
  if (groups == 1) return one_group(points.size());
  try {
    const auto labels = labels_of(points, groups, seed);
    if (labels.empty()) return std::nullopt;
    auto grouping = numbered(labels);
    return grouping.groups == groups ? std::optional(std::move(grouping)) : std::nullopt;
  } catch (const alglib::ap_error&) {
    return std::nullopt;
  }
}

}  // namespace vmflow
