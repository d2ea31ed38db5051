// SPDX-License-Identifier: GPL-2.0-only
// A token bucket over all requests.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

#include "agent/http/web_config.h"

namespace vmflow {

/// Threads: one.
class RateLimiter {
 public:
  /// Whether one more request is within `limit`, as of now.
  bool allows(const RateLimit& limit, std::chrono::steady_clock::time_point now) {
    const std::chrono::duration<double> since = now - last_;
    const std::chrono::duration<double> interval = limit.interval;
    tokens_ = std::min(static_cast<double>(limit.burst), tokens_ + since / interval);
    last_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double tokens_ = std::numeric_limits<double>::infinity();  ///< full at first, however large
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace vmflow
