// SPDX-License-Identifier: GPL-2.0-only
// In which directions points differ most: principal components, of ALGLIB.
#pragma once

#include <vector>

#include "analysis/point_set.h"

namespace vmflow {

/// Shape: `direction` has one unit vector of the points' dimensions for each component, its largest
/// part positive; `share` is what a component has of all variance, the largest first; `points` are
/// the same points by their components. As many components as dimensions.
struct PrincipalComponents {
  std::vector<std::vector<double>> direction;
  std::vector<double> share;
  PointSet points;
};

/// Errors: no components if there are no points.
PrincipalComponents principal_components(const PointSet& points);

}  // namespace vmflow
