// SPDX-License-Identifier: GPL-2.0-only
// THE list of features: what each is called, what it means, and from which counters it is computed.
// Tables, their texts and the list that people read come from it; no feature is named anywhere
// else.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/feature_counters.h"
#include "analysis/feature_table.h"

namespace vmflow {

/// What a feature's counters are divided by.
enum class FeatureBase {
  kVcpuTime,  ///< the time of all vCPUs
  kWallTime,  ///< the window's length
  kCounters,  ///< other counters
  kNothing,   ///< a gauge, as it is
};

/// Shape: `of` and `by` are places in feature_counters(); the feature is the sum of the first by
/// the base.
struct Feature {
  FeatureColumn column;
  std::vector<size_t> of;
  FeatureBase base = FeatureBase::kVcpuTime;
  std::vector<size_t> by;
};

/// All features, in the order of the columns.
std::span<const Feature> feature_catalog();
std::vector<FeatureColumn> feature_columns();

/// What a VM's counters came to in one window.
/// Shape: `of` by feature_counters(); NaN: not known. Units: nanoseconds and counts.
struct FeatureSums {
  std::vector<double> of;
  double vcpu_ns = 0;
  double wall_ns = 0;
};

/// Nothing is known.
FeatureSums no_feature_sums();

/// A VM's counters as the model has them now. Shape: `vcpu_ns` and `wall_ns` are 0.
FeatureSums feature_totals(const VmFlow& vm);

/// What happened between two looks at the same VM. A wait has counted where it ended, with all its
/// time: waits that sum to more than the halted time of the window share that. Gauges are `now`'s.
/// Errors: nullopt if a counter fell, so that it has begun anew, or no vCPU time went by.
std::optional<FeatureSums> feature_difference(const FeatureSums& before, const FeatureSums& now,
                                              double wall_ns);

/// The same of what counters have come to already: see feature_difference() for waits.
/// Shape: sets `vcpu_ns`. Errors: false if no vCPU time went by.
bool complete_feature_sums(FeatureSums& sums);

/// By feature_catalog(). Errors: NaN where a counter is not known, and where the base is 0.
std::vector<double> feature_values(const FeatureSums& sums);

/// How the feature is computed from counters on the page of metrics, as PromQL over `window`.
std::string feature_promql(const Feature& feature, const std::string& window);

}  // namespace vmflow
