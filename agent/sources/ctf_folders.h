// SPDX-License-Identifier: GPL-2.0-only
// Which folders are CTF traces: those with a file `metadata`.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

/// The traces in and below `paths`, sorted, each once. Symbolic links below them are not followed.
/// Errors: nothing is there, nothing is a trace, a folder cannot be read, a trace has a file that
/// is none (a FIFO would be waited for).
Result<std::vector<std::string>> find_trace_folders(const std::vector<std::string>& paths);

}  // namespace vmflow
