// SPDX-License-Identifier: GPL-2.0-only
// What one host's clock shows when another one's shows a time.
#pragma once

#include <cstdint>

namespace vmflow {

/// clock_b = clock_a + offset_ns + drift * (clock_a - base_ns).
/// Units: nanoseconds; `drift` is what clock B gains for each nanosecond of clock A.
struct ClockMap {
  uint64_t base_ns = 0;  ///< of clock A
  int64_t offset_ns = 0;
  double drift = 0;

  /// Units: clock A to clock B, and back. Errors: what is no time is cut to 0 or the last one.
  uint64_t to_b(uint64_t a_ns) const;
  uint64_t to_a(uint64_t b_ns) const;

  ClockMap inverse() const;
  /// From A over B to C.
  ClockMap then(const ClockMap& b_to_c) const;
  bool operator==(const ClockMap&) const = default;
};

}  // namespace vmflow
