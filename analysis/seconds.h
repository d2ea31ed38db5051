// SPDX-License-Identifier: GPL-2.0-only
// Nanoseconds become seconds where numbers leave vmflow, and nowhere else.
#pragma once

#include <cstdint>

namespace vmflow {

inline double seconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

}  // namespace vmflow
