// SPDX-License-Identifier: GPL-2.0-only
// How much time a saved trace covers and what it has lost, from the headers of its packets alone:
// a look at a few bytes per sub-buffer, not a reading of the trace.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// One CPU's file. Units: nanoseconds of CLOCK_MONOTONIC.
struct LttngStream {
  uint32_t cpu = 0;
  uint64_t packets = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  uint64_t content_bytes = 0;
  uint64_t first_sequence = 0;   ///< 0: nothing had been overwritten
  uint64_t missing_packets = 0;  ///< between the first packet and the last
  uint64_t discarded = 0;        ///< events, between the first packet and the last
};

/// Reads the packet headers of a stream that lttng-modules 2.8 or later has written, little-endian
/// 64 bit. Errors: not such a file, a header that leads nowhere, a last packet that is cut off.
Result<LttngStream> read_lttng_stream(const std::filesystem::path& file);

/// All CPUs' files of a trace folder (`…/kernel`), those without a packet left out.
/// Errors: none is there, or one is broken.
Result<std::vector<LttngStream>> read_lttng_streams(const std::filesystem::path& folder);

/// A trace as a whole.
struct LttngExtent {
  uint64_t first_ns = 0;  ///< from here on every CPU's events are there
  uint64_t last_ns = 0;
  uint64_t missing_packets = 0;
  uint64_t discarded = 0;
  double bytes_per_second = 0;  ///< of the busiest CPU
};

/// A CPU whose ring has overwritten nothing covers everything since tracing began.
LttngExtent extent_of(const std::vector<LttngStream>& streams);

}  // namespace vmflow
