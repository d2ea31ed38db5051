// SPDX-License-Identifier: GPL-2.0-only
// The clock of the kernel side's times.
#pragma once

#include <cstdint>
#include <ctime>

namespace vmflow {

/// Units: nanoseconds of CLOCK_MONOTONIC.
inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace vmflow
