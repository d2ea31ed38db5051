// SPDX-License-Identifier: GPL-2.0-only
// libbabeltrace2's graph: traces, merged in time order, to a function.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// One trace. `offset_ns` of its clock to the epoch is taken away, so that traces whose offsets
/// were sampled at different times are merged by what the clock itself said.
struct CtfInput {
  std::vector<std::string> paths;
  int64_t offset_ns = 0;
};

/// Calls `on_message` with every message of `inputs` until it returns false. Traces without streams
/// have no messages.
/// Errors: what libbabeltrace2 says, with the trace; what `on_message` throws.
Result<void> run_ctf_graph(const std::vector<CtfInput>& inputs,
                           const std::function<bool(const bt_message*)>& on_message);

}  // namespace vmflow
