// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/clock_map.h"

#include <cmath>

namespace vmflow {
namespace {

using Wide = __int128;

uint64_t cut(Wide ns) {
  if (ns < 0) return 0;
  return ns > Wide{UINT64_MAX} ? UINT64_MAX : static_cast<uint64_t>(ns);
}

// Only what is gained goes through floating point: it is small, and 64 bits of it are enough.
Wide gained(long double drift, Wide since) {
  return static_cast<Wide>(std::roundl(drift * static_cast<long double>(since)));
}

long double inverse_drift(double drift) {
  return -static_cast<long double>(drift) / (1 + static_cast<long double>(drift));
}

}  // namespace

uint64_t ClockMap::to_b(uint64_t a_ns) const {
  return cut(Wide{a_ns} + offset_ns + gained(drift, Wide{a_ns} - base_ns));
}

uint64_t ClockMap::to_a(uint64_t b_ns) const {
  const Wide since = Wide{b_ns} - (Wide{base_ns} + offset_ns);
  return cut(Wide{b_ns} - offset_ns + gained(inverse_drift(drift), since));
}

ClockMap ClockMap::inverse() const {
  return {.base_ns = cut(Wide{base_ns} + offset_ns),
          .offset_ns = -offset_ns,
          .drift = static_cast<double>(inverse_drift(drift))};
}

ClockMap ClockMap::then(const ClockMap& b_to_c) const {
  const Wide c_ns = b_to_c.to_b(cut(Wide{base_ns} + offset_ns));
  return {.base_ns = base_ns,
          .offset_ns = static_cast<int64_t>(c_ns - base_ns),
          .drift = drift + b_to_c.drift + drift * b_to_c.drift};
}

}  // namespace vmflow
