// SPDX-License-Identifier: GPL-2.0-only
// The guest processes of the last seconds, from what the flight recorder holds now.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/sources/ring_events.h"
#include "analysis/guest_process.h"
#include "analysis/nested_life.h"

namespace vmflow {

/// Units: CLOCK_MONOTONIC. Shape: without `vms` if nothing was recorded, or no registers.
struct RecentProcesses {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  std::vector<VmProcesses> vms;
  std::vector<VmNested> nested;
};

/// Replaying the ring takes up to a second of CPU time, so what was found is told again for
/// `fresh_ns`, and one asks at a time. Of the ring only the last `span_ns` are replayed. Threads:
/// any.
class LiveProcesses {
 public:
  explicit LiveProcesses(uint64_t fresh_ns = 2'000'000'000, uint64_t span_ns = ~uint64_t{0})
      : fresh_ns_(fresh_ns), span_ns_(span_ns) {}

  /// `ring` reads the flight recorder as of now.
  std::shared_ptr<const RecentProcesses> look(const std::function<RingReading()>& ring,
                                              uint64_t now_ns);

 private:
  const uint64_t fresh_ns_;
  const uint64_t span_ns_;
  std::mutex mutex_;
  uint64_t looked_ns_ = 0;
  std::shared_ptr<const RecentProcesses> seen_;
};

}  // namespace vmflow
