// SPDX-License-Identifier: GPL-2.0-only
// Into how many groups points fall, if into any: by their silhouettes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/k_means.h"
#include "analysis/point_set.h"

namespace vmflow {

struct TriedGroups {
  uint32_t groups = 0;
  double silhouette = 0;
};

/// Shape: `grouping` is a single group unless `is_told`. `silhouette` is that of the best number of
/// groups, `needed` what tells that they are no chance.
struct GroupChoice {
  Grouping grouping;
  bool is_told = false;
  bool is_given = false;  ///< the number of groups was, so that nothing was chosen
  double silhouette = 0;
  double needed = 0;
  std::vector<TriedGroups> tried;
};

/// The number of groups between 2 and `most` with the best silhouette; one group if that is not
/// well above the best one of as many points that are strewn evenly over the same room: by 0.1, and
/// by twice what chance makes of it. With `given` it is that number, whatever its silhouette.
/// Errors: a single group if there are fewer different points than groups.
GroupChoice choose_groups(const PointSet& points, uint32_t most, std::optional<uint32_t> given,
                          uint64_t seed);

}  // namespace vmflow
