// SPDX-License-Identifier: GPL-2.0-only
// What the scheduler counted for the calling thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "handles.h"

namespace vmflow::ground_truth {

/// A thread's times and timeslices, or the difference of two of them.
struct SchedStat {
  std::uint64_t on_cpu_ns = 0;
  std::uint64_t run_delay_ns = 0;
  std::uint64_t timeslices = 0;
};

/// Measures the calling thread between two points with one read of an open file at each.
/// Threads: made and used by the thread that it measures.
/// Source: /proc/self/task/TID/schedstat.
class SchedStatSpan {
 public:
  SchedStatSpan();
  void begin() { read_into(begin_); }
  void end() { read_into(end_); }
  /// The difference; std::nullopt if this kernel has no schedstat.
  [[nodiscard]] std::optional<SchedStat> difference() const;

 private:
  using Line = std::array<char, 80>;  // three numbers of at most 20 digits
  void read_into(Line& line) const;

  Fd file_;
  Line begin_{};
  Line end_{};
};

}  // namespace vmflow::ground_truth
