// SPDX-License-Identifier: GPL-2.0-only
// The critical paths of a report.
#pragma once

#include <optional>
#include <string>

#include "analysis/join_graphs.h"
#include "analysis/trace_report.h"

namespace vmflow {

/// The critical path of every VM's worker that matters most, and of `worker` if it is not empty;
/// each over the window of its own host. Shape: the report has the names of all hosts.
/// Errors: there is no such worker: the text says which there are.
std::optional<std::string> add_paths(TraceReport& report, const JoinedGraph& joined,
                                     const std::string& worker);

}  // namespace vmflow
