// SPDX-License-Identifier: GPL-2.0-only
// What kind of load VMs are, as numbers: a row for each VM and window, a column for each feature.
#pragma once

#include <string>
#include <vector>

namespace vmflow {

/// One number that tells how a VM behaves. `name` ends with its unit as Prometheus writes it:
/// _ratio, _seconds, _per_second, _bytes_per_second.
struct FeatureColumn {
  std::string name;
  std::string unit;
  std::string meaning;
};

/// One VM in one window. Units: Unix seconds. Shape: `values` as FeatureTable::columns; NaN: not
/// known.
struct FeatureRow {
  std::string host;
  std::string vm;
  std::string name;
  double begin_seconds = 0;
  double end_seconds = 0;
  std::vector<double> values;
};

struct FeatureTable {
  std::vector<FeatureColumn> columns;
  std::vector<FeatureRow> rows;
};

}  // namespace vmflow
