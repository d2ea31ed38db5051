// SPDX-License-Identifier: GPL-2.0-only
// Points in a space of any number of dimensions.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace vmflow {

/// Shape: `at` has the points one after the other, each with `dimensions` finite numbers.
struct PointSet {
  size_t dimensions = 0;
  std::vector<double> at{};

  size_t size() const { return dimensions == 0 ? 0 : at.size() / dimensions; }
  std::span<const double> point(size_t i) const { return {at.data() + i * dimensions, dimensions}; }
};

}  // namespace vmflow
