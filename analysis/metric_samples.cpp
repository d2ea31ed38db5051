// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_samples.h"

#include <array>

namespace vmflow {
namespace {

// Of the kernel's log2 buckets every second bound, exactly: no count is ever split.
constexpr uint32_t kFirstBound = 10, kBoundStep = 2, kBounds = 8;
constexpr uint64_t bound_ns(uint32_t i) {
  return uint64_t{1} << (kFirstBound + kBoundStep * i);
}

constexpr auto kBoundsSeconds = [] {
  std::array<double, kBounds> bounds{};
  for (uint32_t i = 0; i < kBounds; i++) bounds[i] = static_cast<double>(bound_ns(i)) / 1e9;
  return bounds;
}();

}  // namespace

Sample histogram(std::vector<std::string> labels, const Durations& durations) {
  Sample sample = value(std::move(labels), seconds(durations.sum_ns));
  uint64_t count = 0;
  uint32_t bucket = 0;
  for (uint32_t bound = 0; bound < kBounds; bound++) {
    for (; bucket < FLOW_EXIT_BUCKETS &&
           uint64_t{2} << (bucket + FLOW_EXIT_BUCKET_SHIFT) <= bound_ns(bound);
         bucket++)
      count += durations.bucket[bucket];
    sample.cumulative.push_back(count);
  }
  for (; bucket < FLOW_EXIT_BUCKETS; bucket++) count += durations.bucket[bucket];
  sample.cumulative.push_back(count);
  return sample;
}

std::span<const double> histogram_bounds_seconds() {
  return kBoundsSeconds;
}

}  // namespace vmflow
