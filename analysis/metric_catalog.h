// SPDX-License-Identifier: GPL-2.0-only
// THE list of metrics: what each is called, what it counts and how it is taken from the model.
// Exporters, METRICS.md and their tests read it; no metric name stands anywhere else.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/sample_sink.h"

namespace vmflow {

enum class MetricKind { kCounter, kGauge, kHistogram };
/// As Prometheus calls it.
std::string_view kind_name(MetricKind kind);

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
  void (*read)(const FlowModel&, SampleSink&);
  MetricDetail detail = MetricDetail::kAlways;
  /// Of a histogram: upper bounds of its buckets but the last, which is open. Units: seconds.
  std::span<const double> bounds = exit_bounds_seconds();
  /// From this label on one that is empty is left out, which Prometheus takes for the same.
  size_t optional_labels_from = SIZE_MAX;
};

/// Calls `visit(labels, value)` for each series of `metric`; of a histogram the value is its sum.
template <typename Visit>
void for_each_sample(const Metric& metric, const FlowModel& model, Visit visit) {
  struct Visitor final : SampleSink {
    explicit Visitor(Visit& visit) : visit_(visit) {}
    void take(std::span<const LabelValue> labels, double value) override { visit_(labels, value); }
    void take(std::span<const LabelValue> labels, const HistogramSample& histogram) override {
      visit_(labels, histogram.sum);
    }
    Visit& visit_;
  } visitor(visit);
  metric.read(model, visitor);
}

/// How many series `metric` has in `model`; a histogram counts as one.
uint64_t samples_of(const Metric& metric, const FlowModel& model);

/// All metrics, in the order in which they are shown.
std::span<const Metric> metric_catalog();

}  // namespace vmflow
