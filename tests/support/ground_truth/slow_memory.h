// SPDX-License-Identifier: GPL-2.0-only
// Guest memory whose pages come after a known delay, one at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <thread>

#include "handles.h"

namespace vmflow::ground_truth {

/// `size` bytes that userfaultfd serves, from a thread of its own. Whoever touches a page first
/// sleeps for `delay`.
class SlowMemory {
 public:
  /// Errors: std::system_error if the kernel has no userfaultfd, or does not let us.
  SlowMemory(std::size_t size, std::chrono::nanoseconds delay);
  [[nodiscard]] void* address() const { return memory_.at<char>(0); }

 private:
  Mapping memory_;
  Fd faults_;
  std::jthread thread_;
};

}  // namespace vmflow::ground_truth
