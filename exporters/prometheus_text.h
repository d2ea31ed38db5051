// SPDX-License-Identifier: GPL-2.0-only
// A model as the page that Prometheus scrapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/flow_model.h"

namespace vmflow {

/// Series of a page, if nobody says otherwise: a busy host of two hundred VMs with all that tells
/// causes.
inline constexpr uint64_t kDefaultMostSeries = 20'000;

struct PrometheusOptions {
  bool per_vcpu = false;  ///< with the metrics that the catalog marks kPerVcpu
  bool vm_waits = false;  ///< and kVmWaits
  uint64_t most_series = kDefaultMostSeries;
};

/// Pages one after another: what was left out of the last one stays out for a while. Threads: one
/// at a time.
class PrometheusPages {
 public:
  explicit PrometheusPages(const PrometheusOptions& options) : options_(options) {}

  /// All metrics of the catalog in the text exposition format 0.0.4; a metric without series is
  /// left out, and so are some of those that series_budget.h names if there are too many.
  std::string next(FlowModel model);
  /// Of the last page.
  const PageFlow& page() const { return page_; }

 private:
  PrometheusOptions options_;
  std::vector<bool> left_out_;  ///< of the last page, by place in the catalog
  PageFlow page_;
  size_t bytes_ = 0;  ///< of the last page
};

/// The first of such pages.
std::string prometheus_text(const FlowModel& model, const PrometheusOptions& options);

}  // namespace vmflow
