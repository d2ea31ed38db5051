// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side had counted before and after a trace, in a file beside it, so that the trace
// can be held against it later.
#pragma once

#include <string>
#include <string_view>

#include "agent/result.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// Shape: of both, the slots, `now_ns` and the host; of `last` the identities too.
struct AggregateWindow {
  Snapshot first;
  Snapshot last;
  uint64_t lttng_from_ns = 0;  ///< LTTng's trace is whole from here on; 0: it has none
};

/// The file's name in a snapshot's folder.
inline constexpr const char* kAggregateFile = "aggregate.cbor";

std::string aggregate_bytes(const AggregateWindow& window);

/// Errors: no such file, not one of ours, written by a vmflow whose records had another shape.
Result<AggregateWindow> parse_aggregate(std::string_view bytes);

}  // namespace vmflow
