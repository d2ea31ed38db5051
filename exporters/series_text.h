// SPDX-License-Identifier: GPL-2.0-only
// Series of one metric in Prometheus' text exposition format 0.0.4. Not prometheus-cpp's: it copies
// every label of every series into families before it writes them, which for 1,000 VMs takes 130 to
// 220 ms where this takes 14, and the page may take 150 (tests/bench/scale.cpp).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "analysis/metric_catalog.h"

namespace vmflow {

/// Appends lines to `page`: above the first series of `metric` its help and its type. Both must
/// outlive it.
/// Source: github.com/prometheus/docs, exposition_formats.md. Numbers have 16 digits at most, as
/// prometheus-cpp writes them.
class SeriesText final : public SampleSink {
 public:
  SeriesText(const Metric& metric, std::string& page);

  void take(std::span<const LabelValue> labels, double value) override;
  void take(std::span<const LabelValue> labels, const HistogramSample& histogram) override;

 private:
  void begin_series(std::span<const LabelValue> values);
  void add_line(std::string_view suffix, std::string_view bound, double value);

  const Metric& metric_;
  std::string& page_;
  std::array<std::string, kSampleBuckets> bounds_;  ///< of a histogram: the labels `le`
  bool began_ = false;
  std::string labels_;  ///< of the present series, without braces
};

}  // namespace vmflow
