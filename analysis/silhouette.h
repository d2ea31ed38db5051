// SPDX-License-Identifier: GPL-2.0-only
// How well points lie in their groups: near to their own, far from the next.
//
// A point's silhouette is (b - a) / max(a, b), with a its mean distance to the others of its group
// and b that to the nearest other group; 0 for one that is alone in its group.
// Source: Rousseeuw 1987.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/k_means.h"
#include "analysis/point_set.h"

namespace vmflow {

/// Of more points than these, so many are looked at, which `seed` determines, each against all.
constexpr size_t kMostSilhouettes = 2000;

/// The mean silhouette of each of several groupings of the same points. Distances are computed once
/// for all of them. Shape: between -1 and 1; 0 for a single group.
std::vector<double> mean_silhouettes(const PointSet& points, std::span<const Grouping> groupings,
                                     uint64_t seed);

}  // namespace vmflow
