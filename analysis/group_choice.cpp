// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/group_choice.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <span>

#include "analysis/principal_components.h"
#include "analysis/silhouette.h"

namespace vmflow {
namespace {

// Of many points a part is enough, of few several draws are needed.
constexpr size_t kMostStrewn = 500, kStrewnInAll = 400, kMostDraws = 20;

/// Between 0 and 1, from the generator's own bits: a library's distributions may differ.
double part(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

/// Strewn over the box in which the points lie, along the directions in which they differ most.
PointSet strewn(const PointSet& points, size_t count, std::mt19937_64& random) {
  std::vector<double> least(points.dimensions), most(points.dimensions);
  for (size_t j = 0; j < points.dimensions; j++) {
    least[j] = most[j] = points.at[j];
    for (size_t i = 1; i < points.size(); i++) {
      least[j] = std::min(least[j], points.point(i)[j]);
      most[j] = std::max(most[j], points.point(i)[j]);
    }
  }
  PointSet result{points.dimensions, {}};
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < points.dimensions; j++)
      result.at.push_back(least[j] + (most[j] - least[j]) * part(random));
  return result;
}

std::vector<Grouping> groupings_of(const PointSet& points, uint32_t least, uint32_t most,
                                   uint64_t seed) {
  std::vector<Grouping> all;
  for (uint32_t groups = least; groups <= most; groups++)
    if (auto grouping = k_means(points, groups, seed)) all.push_back(std::move(*grouping));
  return all;
}

/// By number of groups, from 2 on; empty if there are fewer different points.
std::vector<TriedGroups> tried_groups(const PointSet& points, std::span<const Grouping> groupings,
                                      uint64_t seed) {
  const auto silhouettes = mean_silhouettes(points, groupings, seed);
  std::vector<TriedGroups> tried;
  for (size_t i = 0; i < groupings.size(); i++)
    tried.push_back({groupings[i].groups, silhouettes[i]});
  return tried;
}

const TriedGroups& best_of(const std::vector<TriedGroups>& tried) {
  return *std::ranges::max_element(tried, {}, &TriedGroups::silhouette);
}

/// What no points without groups come to.
double needed_silhouette(const PointSet& points, uint32_t most, uint64_t seed) {
  constexpr double kAbove = 0.1, kDeviations = 2;
  const auto moved = principal_components(points).points;
  if (moved.size() == 0) return kAbove;
  const size_t count = std::min(points.size(), kMostStrewn);
  const size_t draws = std::clamp<size_t>(kStrewnInAll / count, 1, kMostDraws);
  std::mt19937_64 random(seed);
  double sum = 0, squares = 0;
  for (size_t draw = 0; draw < draws; draw++) {
    const auto even = strewn(moved, count, random);
    const auto groupings = groupings_of(even, 2, most, seed + draw);
    if (groupings.empty()) continue;
    const double best = best_of(tried_groups(even, groupings, seed)).silhouette;
    sum += best;
    squares += best * best;
  }
  const auto n = static_cast<double>(draws);
  const double deviation = std::sqrt(std::max(0.0, squares / n - sum / n * sum / n));
  return sum / n + std::max(kAbove, kDeviations * deviation);
}

GroupChoice given_groups(const PointSet& points, uint32_t given, uint64_t seed) {
  GroupChoice choice{.grouping = one_group(points.size()), .is_given = true, .tried = {}};
  const auto grouping = k_means(points, given, seed);
  if (!grouping) return choice;
  choice.grouping = *grouping;
  choice.is_told = true;
  choice.silhouette = mean_silhouettes(points, {&*grouping, 1}, seed)[0];
  choice.tried = {{given, choice.silhouette}};
  return choice;
}

}  // namespace

GroupChoice choose_groups(const PointSet& points, uint32_t most, std::optional<uint32_t> given,
                          uint64_t seed) {
  if (given) return given_groups(points, *given, seed);
  GroupChoice choice{.grouping = one_group(points.size()), .tried = {}};
  // As many groups as points have a silhouette of 0.
  if (points.size() < 3) return choice;
  const auto at_most = static_cast<uint32_t>(std::min<size_t>(most, points.size() - 1));
  const auto groupings = groupings_of(points, 2, at_most, seed);
  if (groupings.empty()) return choice;
  choice.tried = tried_groups(points, groupings, seed);
  const auto& best = best_of(choice.tried);
  choice.silhouette = best.silhouette;
  choice.needed = needed_silhouette(points, at_most, seed);
  choice.is_told = choice.silhouette >= choice.needed;
  if (choice.is_told)
    choice.grouping = *std::ranges::find(groupings, best.groups, &Grouping::groups);
  return choice;
}

}  // namespace vmflow
