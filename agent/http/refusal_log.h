// SPDX-License-Identifier: GPL-2.0-only
// Counts the clients that are not served, and says so without letting them fill the log.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/web_flow.h"

namespace vmflow {

/// Threads: count() from any, note() from one.
class RefusalLog {
 public:
  /// One line a minute for each kind; `detail` must be of our own words.
  void note(HttpRefusal refusal, const std::string& peer, std::string_view detail,
            std::chrono::steady_clock::time_point now);
  uint64_t count(HttpRefusal refusal) const {
    return kinds_[static_cast<size_t>(refusal)].count.load(std::memory_order_relaxed);
  }

 private:
  struct Kind {
    std::atomic<uint64_t> count = 0;
    uint64_t said = 0;  ///< of `count`, when the last line was written
    std::chrono::steady_clock::time_point last_line;
  };
  std::array<Kind, kHttpRefusals> kinds_;
};

}  // namespace vmflow
