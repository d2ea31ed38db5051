// SPDX-License-Identifier: GPL-2.0-only
// Since when a trace holds the events of all CPUs, without reading them.
#pragma once

#include <cstdint>
#include <string>

#include "agent/result.h"

namespace vmflow {

/// When the last of the trace's streams begins: its first packet. 0: it has no packets, or they do
/// not tell. Units: nanoseconds of the trace's clock, without `offset_ns` to the epoch.
/// Errors: what libbabeltrace2 says.
/// Threads: as read_ctf().
Result<uint64_t> last_stream_begin_ns(const std::string& path, int64_t offset_ns);

}  // namespace vmflow
