// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/prometheus_text.h"

#include <span>
#include <vector>

#include "analysis/metric_catalog.h"
#include "analysis/series_budget.h"
#include "exporters/series_text.h"

namespace vmflow {
namespace {

constexpr size_t kRoomToGrow = 16;  // one part in so many: numbers get longer

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

std::string PrometheusPages::next(FlowModel model) {
  const auto catalog = metric_catalog();
  model.page = {};
  std::vector<SeriesWish> wishes;
  for (const auto& metric : catalog)
    wishes.push_back({metric.detail, is_wanted(metric.detail, options_)
                                         ? series_of(metric, samples_of(metric, model))
                                         : 0});
  left_out_ = left_out(wishes, options_.most_series, left_out_);
  model.page = page_ = page_of(wishes, left_out_, options_.most_series);

  std::string page;
  page.reserve(bytes_ + bytes_ / kRoomToGrow);
  for (size_t i = 0; i < catalog.size(); i++) {
    if (left_out_[i] || !is_wanted(catalog[i].detail, options_)) continue;
    SeriesText text(catalog[i], page);
    catalog[i].read(model, text);
  }
  bytes_ = page.size();
  return page;
}

std::string prometheus_text(const FlowModel& model, const PrometheusOptions& options) {
  return PrometheusPages(options).next(model);
}

}  // namespace vmflow
