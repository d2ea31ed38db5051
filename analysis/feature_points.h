// SPDX-License-Identifier: GPL-2.0-only
// From a table of features to points whose distances mean something.
//
// Each feature counts from its median on and is measured by the distance between its quartiles, so
// that a few extreme VMs move neither; beyond a few of these the logarithm is what counts (asinh),
// so that they are far off and yet do not outweigh all other features. A distance between quartiles
// below what matters in its unit (a hundredth of a ratio, ten per second) counts as that.
#pragma once

#include <string>
#include <vector>

#include "analysis/feature_table.h"
#include "analysis/point_set.h"

namespace vmflow {

struct DroppedColumn {
  std::string name;
  std::string why;  ///< "the same for all VMs", in words
};

/// Shape: `column` is a place in FeatureTable::columns for each dimension of the points, `scaled`
/// has a point for each row.
struct FeaturePoints {
  std::vector<size_t> column;
  PointSet scaled;
};

/// One row for each VM of each host, in the order in which they come first: the means of its
/// windows, weighted by their lengths, over those in which a value is known.
/// Shape: from the first window's begin to the last one's end.
FeatureTable mean_of_windows(const FeatureTable& table);

/// Takes out the rows of which no feature is known; returns their number.
size_t drop_empty_rows(FeatureTable& table);

/// Puts a column's median where a value is not known.
/// Drops columns of which more than half is not known, or that are the same for all.
std::vector<DroppedColumn> fill_or_drop(FeatureTable& table);

/// Shape: `columns` are places; the table has known values only, and no constant column.
FeaturePoints feature_points(const FeatureTable& table, const std::vector<size_t>& columns);

/// Of the values between, the middle two's mean. Errors: NaN of none.
double median_of(std::vector<double> values);

}  // namespace vmflow
