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

/// How much a metric goes into detail. What comes later is given up first by a page that has too
/// many series (series_budget.h); the last two must be asked for: detail_flag() says how.
enum class MetricDetail {
  kAlways,     ///< of host and agent; of a VM who it is and its time by state
  kVmCauses,   ///< of a VM: what its waits and its exits are made of
  kVmDevices,  ///< of a VM: disk, network, helper threads, returns to the VMM, guests of its own
  kVmSingles,  ///< of a VM: how long single exits and waits take, and counts beside times
  kPerVcpu,    ///< of a vCPU
  kVmWaits,    ///< of a VM: how long its waits take, by reason
};

/// One series at one moment.
/// Shape: `labels` are the values of Metric::labels, in their order. A histogram has one cumulative
///        count for each of Metric::bounds, then that of all.
struct Sample {
  std::vector<std::string> labels;
  double value = 0;  ///< of a histogram, the sum
  std::vector<uint64_t> cumulative;
};

/// Of exits and wake-ups: 1 us to 17 ms. Of waits for a CPU: 16 us to 268 ms. Of halts: 66 us
/// to 1.07 s.
std::span<const double> exit_bounds_seconds();
std::span<const double> queue_bounds_seconds();
std::span<const double> wait_bounds_seconds();

/// In one word; of those that stay on every page it is "always".
std::string_view detail_name(MetricDetail detail);
/// The flag that shows metrics of this detail; empty for those that are always there.
std::string_view detail_flag(MetricDetail detail);

struct Metric {
  std::string_view name;
  MetricKind kind;
  std::vector<std::string_view> labels;
  std::string_view help;   ///< one sentence, shown on the scraped page
  std::string_view clock;  ///< on which clock, or how it is counted
  std::string_view error;  ///< how wrong it may be
  std::vector<Sample> (*read)(const FlowModel&);
  MetricDetail detail = MetricDetail::kAlways;
  /// Of a histogram: upper bounds of its buckets but the last, which is open. Units: seconds.
  std::span<const double> bounds = exit_bounds_seconds();
  /// From this label on one that is empty is left out, which Prometheus takes for the same.
  size_t optional_labels_from = SIZE_MAX;
};

/// All metrics, in the order in which they are shown.
std::span<const Metric> metric_catalog();

}  // namespace vmflow
