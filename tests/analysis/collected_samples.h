// SPDX-License-Identifier: GPL-2.0-only
// What a reader of the catalog hands over, kept for a test to look at.
#pragma once

#include <string>
#include <vector>

#include "analysis/metric_catalog.h"

namespace vmflow::test {

/// Shape: as of SampleSink; `value` is a histogram's sum, `cumulative` empty of what is none.
struct CollectedSample {
  std::vector<std::string> labels;
  double value = 0;
  std::vector<uint64_t> cumulative = {};
};

inline std::vector<CollectedSample> collect(const Metric& metric, const FlowModel& model) {
  struct Collector final : SampleSink {
    void take(std::span<const LabelValue> labels, double value) override {
      samples.push_back({texts(labels), value});
    }
    void take(std::span<const LabelValue> labels, const HistogramSample& histogram) override {
      samples.push_back({texts(labels),
                         histogram.sum,
                         {histogram.cumulative.begin(), histogram.cumulative.end()}});
    }
    static std::vector<std::string> texts(std::span<const LabelValue> labels) {
      std::vector<std::string> texts;
      for (const auto& label : labels) texts.emplace_back(label.text());
      return texts;
    }
    std::vector<CollectedSample> samples;
  } collector;
  metric.read(model, collector);
  return collector.samples;
}

}  // namespace vmflow::test
