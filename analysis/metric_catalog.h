// SPDX-License-Identifier: GPL-2.0-only
// THE list of metrics: what each is called, what it counts and how it is taken from the model.
// Exporters, METRICS.md and their tests read it; no metric name stands anywhere else.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"

namespace vmflow {

enum class MetricKind { kCounter, kGauge, kHistogram };

/// One series at one moment.
/// Shape: `labels` are the values of Metric::labels, in their order. A histogram has one cumulative
///        count for each bound of histogram_bounds_seconds(), then that of all.
struct Sample {
  std::vector<std::string> labels;
  double value = 0;  ///< of a histogram, the sum
  std::vector<uint64_t> cumulative;
};

struct Metric {
  std::string_view name;
  MetricKind kind;
  std::vector<std::string_view> labels;
  std::string_view help;   ///< one sentence, shown on the scraped page
  std::string_view clock;  ///< on which clock, or how it is counted
  std::string_view error;  ///< how wrong it may be
  std::vector<Sample> (*read)(const FlowModel&);
  bool per_vcpu = false;  ///< only with --collector.vcpu.per-vcpu
};

/// All metrics, in the order in which they are shown.
std::span<const Metric> metric_catalog();

/// Upper bounds of every histogram's buckets but the last, which is open. Units: seconds.
std::span<const double> histogram_bounds_seconds();

}  // namespace vmflow
