// SPDX-License-Identifier: GPL-2.0-only
// Many intervals in few characters, for a page that has to carry them all.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

struct PackedIntervals {
  std::string base64;
  uint64_t count = 0;    ///< intervals in it
  uint64_t outside = 0;  ///< left out: outside of the window, or over what came before
};

/// A vCPU's intervals, cut to the window.
/// Shape: for each interval numbers in LEB128: ((detail << 4 | state) << 1 | gap), the nanoseconds
///        since the one before it (the window's begin, of the first) only if gap is 1, its length.
///        exporters/html/intervals.js reads it.
PackedIntervals pack_intervals(std::span<const ReportInterval> intervals,
                               const ReportWindow& window);

/// Source: RFC 4648, section 4.
std::string base64(std::string_view bytes);

}  // namespace vmflow
