// SPDX-License-Identifier: GPL-2.0-only
// Groups of points around their middles: k-means of ALGLIB, with k-means++ to begin with.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/point_set.h"

namespace vmflow {

/// Shape: `label` has a number below `groups` for each point, and every group has a point; groups
/// are counted by their sizes, the largest first, of equal ones by their first points.
struct Grouping {
  uint32_t groups = 0;
  std::vector<uint32_t> label;

  bool operator==(const Grouping&) const = default;
};

/// The best of some starts, which `seed` determines.
/// Errors: nullopt if there are fewer different points than groups.
std::optional<Grouping> k_means(const PointSet& points, uint32_t groups, uint64_t seed);

/// All in one group.
Grouping one_group(size_t points);

/// The same grouping, counted as Grouping says; groups without points are gone.
Grouping numbered(const std::vector<uint32_t>& labels);

}  // namespace vmflow
