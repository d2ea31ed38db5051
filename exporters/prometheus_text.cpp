// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/prometheus_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <vector>

#include "analysis/metric_catalog.h"

namespace vmflow {
namespace {

prometheus::MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

void set_histogram(prometheus::ClientMetric& series, const Sample& sample,
                   std::span<const double> bounds) {
  series.histogram.sample_sum = sample.value;
  series.histogram.sample_count = sample.cumulative.back();
  for (size_t i = 0; i < sample.cumulative.size(); i++)
    series.histogram.bucket.push_back(
        {sample.cumulative[i],
         i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
}

prometheus::ClientMetric series_of(const Metric& metric, const Sample& sample) {
  prometheus::ClientMetric series;
  for (size_t i = 0; i < metric.labels.size(); i++)
    if (i < metric.optional_labels_from || !sample.labels[i].empty())
      series.label.push_back({std::string(metric.labels[i]), sample.labels[i]});
  switch (metric.kind) {
    case MetricKind::kCounter:
      series.counter.value = sample.value;
      break;
    case MetricKind::kGauge:
      series.gauge.value = sample.value;
      break;
    case MetricKind::kHistogram:
      set_histogram(series, sample, metric.bounds);
      break;
  }
  return series;
}

bool is_wanted(MetricDetail detail, const PrometheusOptions& options) {
  switch (detail) {
    case MetricDetail::kAlways:
      return true;
    case MetricDetail::kPerVcpu:
      return options.per_vcpu;
    case MetricDetail::kVmWaits:
      return options.vm_waits;
  }
  return false;
}

}  // namespace

std::string prometheus_text(const FlowModel& model, const PrometheusOptions& options) {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& metric : metric_catalog()) {
    if (!is_wanted(metric.detail, options)) continue;
    prometheus::MetricFamily family{
        std::string(metric.name), std::string(metric.help), type_of(metric.kind), {}};
    for (const auto& sample : metric.read(model))
      family.metric.push_back(series_of(metric, sample));
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace vmflow
