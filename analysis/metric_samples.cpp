// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_samples.h"

#include <array>

namespace vmflow {
namespace {

// Of the kernel's log2 buckets every second bound, exactly: no count is ever split.
constexpr uint32_t kBoundStep = 2, kBounds = 8;
static_assert(kSampleBuckets == kBounds + 1 && kSampleBuckets == FLOW_WAIT_BUCKETS);
constexpr uint32_t kFirstExitBound = 10, kFirstQueueBound = 14;  // powers of two, nanoseconds

constexpr uint64_t bound_ns(uint32_t first, uint32_t i) {
  return uint64_t{1} << (first + kBoundStep * i);
}

template <size_t kCount>
constexpr std::array<double, kCount> seconds_from(uint32_t first) {
  std::array<double, kCount> bounds{};
  for (uint32_t i = 0; i < kCount; i++) bounds[i] = static_cast<double>(bound_ns(first, i)) / 1e9;
  return bounds;
}

constexpr auto kExitBounds = seconds_from<kBounds>(kFirstExitBound);
constexpr auto kQueueBounds = seconds_from<kBounds>(kFirstQueueBound);
constexpr auto kWaitBounds = seconds_from<FLOW_WAIT_BUCKETS - 1>(FLOW_WAIT_BUCKET_SHIFT);

HistogramSample fold(const Durations& durations, uint32_t first_bound) {
  HistogramSample sample{.sum = seconds(durations.sum_ns), .cumulative = {}};
  uint64_t count = 0;
  uint32_t bucket = 0;
  for (uint32_t bound = 0; bound < kBounds; bound++) {
    for (; bucket < FLOW_EXIT_BUCKETS &&
           uint64_t{2} << (bucket + FLOW_EXIT_BUCKET_SHIFT) <= bound_ns(first_bound, bound);
         bucket++)
      count += durations.bucket[bucket];
    sample.cumulative[bound] = count;
  }
  for (; bucket < FLOW_EXIT_BUCKETS; bucket++) count += durations.bucket[bucket];
  sample.cumulative[kBounds] = count;
  return sample;
}

}  // namespace

HistogramSample histogram(const Durations& durations) {
  return fold(durations, kFirstExitBound);
}

HistogramSample queue_histogram(const Durations& durations) {
  return fold(durations, kFirstQueueBound);
}

HistogramSample histogram(const WaitDurations& durations) {
  HistogramSample sample{.sum = seconds(durations.sum_ns), .cumulative = {}};
  uint64_t count = 0;
  for (uint32_t i = 0; i < FLOW_WAIT_BUCKETS; i++)
    sample.cumulative[i] = count += durations.bucket[i];
  return sample;
}

std::span<const double> exit_bounds_seconds() {
  return kExitBounds;
}

std::span<const double> queue_bounds_seconds() {
  return kQueueBounds;
}

std::span<const double> wait_bounds_seconds() {
  return kWaitBounds;
}

}  // namespace vmflow
