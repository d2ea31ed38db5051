// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/baseline.h"

#include <algorithm>
#include <cmath>

namespace vmflow {
namespace {

constexpr uint32_t kAddedBeforeAnew = 8;

double seconds_between(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? static_cast<double>(to_ns - from_ns) / 1e9 : 0;
}

}  // namespace

double median_of(std::vector<float>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (static_cast<double>(*middle) + *std::max_element(values.begin(), middle)) / 2;
}

void Baseline::add(double value, uint64_t now_ns, const BaselineSpan& span) {
  // A look comes a little early or late: half a step is near enough.
  const double step = span.window_seconds / kMostSamples;
  if (!values_.empty() && seconds_between(last_ns_, now_ns) < step - std::min(step, 1.0) / 2)
    return;
  if (values_.empty()) first_ns_ = now_ns;
  last_ns_ = now_ns;
  if (values_.size() < kMostSamples && seconds_between(first_ns_, now_ns) < span.window_seconds) {
    values_.push_back(static_cast<float>(value));
  } else {
    values_[next_] = static_cast<float>(value);
    next_ = (next_ + 1) % values_.size();
  }
  added_since_++;
}

bool Baseline::is_warm(const BaselineSpan& span) const {
  return !values_.empty() && seconds_between(first_ns_, last_ns_) >= span.warm_up_seconds;
}

const Usual& Baseline::usual() {
  if (computed_ && added_since_ < kAddedBeforeAnew) return usual_;
  std::vector<float> sorted = values_;
  usual_.median = median_of(sorted);
  for (auto& value : sorted) value = std::abs(value - static_cast<float>(usual_.median));
  usual_.mad = median_of(sorted);
  added_since_ = 0;
  computed_ = true;
  return usual_;
}

}  // namespace vmflow
