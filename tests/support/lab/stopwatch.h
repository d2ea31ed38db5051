// SPDX-License-Identifier: GPL-2.0-only
// Seconds since it was made.
#pragma once

#include <chrono>

namespace vmflow::lab {

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace vmflow::lab
