// SPDX-License-Identifier: GPL-2.0-only
// What the threads of a VMM process have used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

/// The threads of process `pid` that live now. Errors: none; a thread that ends meanwhile, and a
/// kernel without scheduler statistics, are left out.
std::vector<ThreadReading> read_threads(const std::string& proc, uint32_t pid);

/// The thread `tid` whose folder of /proc is `directory`. Errors: nullopt, as above.
std::optional<ThreadReading> read_thread(const std::string& directory, uint32_t tid);

}  // namespace vmflow
