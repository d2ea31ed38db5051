// SPDX-License-Identifier: GPL-2.0-only
// The calls of liblttng-ctl, with handles that are owned and errors that are sentences. Any of them
// may block for ever: only LttngClient calls them, in a child process.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/trigger/lttng_control.h"

namespace vmflow::lttng_calls {

Result<std::vector<std::string>> tracepoints();
Result<std::vector<std::string>> sessions();
Result<void> create(const LttngPlan& plan);
Result<void> start(const std::string& session);
Result<void> stop(const std::string& session);
Result<void> destroy(const std::string& session);
Result<LttngReadBack> read_back(const std::string& session);
Result<void> save(const std::string& session, const std::string& folder, uint64_t most_bytes);

}  // namespace vmflow::lttng_calls
