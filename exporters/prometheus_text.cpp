// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/prometheus_text.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <span>
#include <sstream>
#include <utility>
#include <vector>

#include "analysis/metric_catalog.h"
#include "analysis/series_budget.h"

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

prometheus::ClientMetric client_metric(const Metric& metric, const Sample& sample) {
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
    case MetricDetail::kVmCauses:
    case MetricDetail::kVmDevices:
    case MetricDetail::kVmSingles:
      return true;
    case MetricDetail::kPerVcpu:
      return options.per_vcpu;
    case MetricDetail::kVmWaits:
      return options.vm_waits;
  }
  return false;
}

// What is said of the page itself has one series each, and one for each metric that is left out.
PageFlow page_of(std::span<const SeriesWish> wishes, const std::vector<bool>& left_out,
                 uint64_t limit) {
  PageFlow page;
  page.limit = limit;
  for (size_t i = 0; i < wishes.size(); i++) {
    if (left_out[i])
      page.left_out.push_back({std::string(metric_catalog()[i].name), wishes[i].series});
    page.series += left_out[i] ? 1 : wishes[i].series;
  }
  return page;
}

}  // namespace

// Metric by metric, twice: the samples of a large host are never there all at once.
std::string PrometheusPages::next(FlowModel model) {
  const auto catalog = metric_catalog();
  model.page = {};
  std::vector<SeriesWish> wishes;
  for (const auto& metric : catalog)
    wishes.push_back({metric.detail, is_wanted(metric.detail, options_)
                                         ? series_of(metric, metric.read(model).size())
                                         : 0});
  left_out_ = left_out(wishes, options_.most_series, left_out_);
  model.page = page_ = page_of(wishes, left_out_, options_.most_series);

  std::ostringstream text;
  for (size_t i = 0; i < catalog.size(); i++) {
    const auto& metric = catalog[i];
    if (left_out_[i] || !is_wanted(metric.detail, options_)) continue;
    prometheus::MetricFamily family{
        std::string(metric.name), std::string(metric.help), type_of(metric.kind), {}};
    for (const auto& sample : metric.read(model))
      family.metric.push_back(client_metric(metric, sample));
    if (!family.metric.empty()) prometheus::TextSerializer().Serialize(text, {family});
  }
  return std::move(text).str();
}

std::string prometheus_text(const FlowModel& model, const PrometheusOptions& options) {
  return PrometheusPages(options).next(model);
}

}  // namespace vmflow
