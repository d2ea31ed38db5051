// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: the page of metrics itself.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

void series(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.page.series));
}

void series_limit(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.page.limit));
}

void series_left_out(const FlowModel& model, SampleSink& samples) {
  for (const auto& left_out : model.page.left_out)
    samples.add({left_out.metric}, number(left_out.series));
}

}  // namespace

std::vector<Metric> page_metrics() {
  return {
      {"vmflow_series", kGauge, {}, "Series of this page.", kNow, kExact, series},
      {"vmflow_series_limit",
       kGauge,
       {},
       "Series that this page may have: --web.max-series.",
       kNow,
       "a page that shows no more than who the VMs are and their time by state may have more",
       series_limit},
      {"vmflow_series_left_out",
       kGauge,
       {"metric"},
       "Series of a metric that this page leaves out, since with them it would have too many; the "
       "API tells them.",
       kNow,
       "absent for metrics that are on the page; one that was left out comes back once a tenth of "
       "the limit would stay free",
       series_left_out},
  };
}

}  // namespace vmflow
