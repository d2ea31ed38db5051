// SPDX-License-Identifier: GPL-2.0-only
// What is usual for one VM in one respect: median and median absolute deviation of what was seen
// lately. Both stand still while less than half of it is unusual.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace vmflow {

/// How a baseline is kept. Units: seconds.
struct BaselineSpan {
  double window_seconds = 300;
  double warm_up_seconds = 30;  ///< nothing is usual before that
};

struct Usual {
  double median = 0;
  double mad = 0;  ///< not scaled: half of what was seen lies within median ± mad
  bool operator==(const Usual&) const = default;
};

/// Shape: at most kMostSamples values, at equal distances over the window.
class Baseline {
 public:
  static constexpr size_t kMostSamples = 300;

  /// Remembers a value, unless the last one that was is too near. Units: `now_ns` as the caller's.
  void add(double value, uint64_t now_ns, const BaselineSpan& span);

  /// Has it seen enough to call something usual?
  bool is_warm(const BaselineSpan& span) const;

  /// Computed anew only after some more values, since it is asked every second of every VM.
  const Usual& usual();

 private:
  std::vector<float> values_;  // a ring once it is full
  size_t next_ = 0;
  uint64_t first_ns_ = 0;
  uint64_t last_ns_ = 0;
  uint32_t added_since_ = 0;
  bool computed_ = false;
  Usual usual_;
};

/// Of no value: 0. The values are put in another order.
double median_of(std::vector<float>& values);

}  // namespace vmflow
