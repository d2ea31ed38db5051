// SPDX-License-Identifier: GPL-2.0-only
// Where the readers of the catalog put their series: handed over one by one and kept nowhere, since
// a large host has hundreds of thousands.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace vmflow {

/// A label's value: text of the model or the program, which outlives it, or a number.
class LabelValue {
 public:
  LabelValue(std::string_view text) : text_(text) {}
  LabelValue(const char* text) : text_(text) {}
  LabelValue(const std::string& text) : text_(text) {}
  LabelValue(std::string&&) = delete;
  LabelValue(uint32_t number)
      : digits_count_(static_cast<size_t>(
            std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr -
            digits_.data())) {}

  /// As long as this lives.
  std::string_view text() const {
    return digits_count_ == 0 ? text_ : std::string_view(digits_.data(), digits_count_);
  }

 private:
  std::string_view text_;
  std::array<char, 10> digits_;
  size_t digits_count_ = 0;  ///< 0: it is text
};

/// Buckets of every histogram of the catalog, the open one with them.
constexpr size_t kSampleBuckets = 9;

/// Shape: one cumulative count for each of Metric::bounds, then that of all. Units: seconds.
struct HistogramSample {
  double sum = 0;
  std::array<uint64_t, kSampleBuckets> cumulative{};
};

/// Series of one metric at one moment. Shape: labels are the values of Metric::labels, in their
/// order.
class SampleSink {
 public:
  virtual void take(std::span<const LabelValue> labels, double value) = 0;
  virtual void take(std::span<const LabelValue> labels, const HistogramSample& histogram) = 0;

  template <typename Value>
  void add(std::initializer_list<LabelValue> labels, const Value& value) {
    take(std::span(labels.begin(), labels.size()), value);
  }

 protected:
  ~SampleSink() = default;
};

}  // namespace vmflow
