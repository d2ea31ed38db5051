// SPDX-License-Identifier: GPL-2.0-only
// Guest processes as JSON, the same in a trace's report and in the API.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/guest_process.h"

namespace vmflow {

/// The sums of a VM's processes, and those that ran longest, no more than 100. Units: seconds;
/// moments since `begin_ns`.
nlohmann::ordered_json process_json(const VmProcesses& vm, uint64_t begin_ns);

}  // namespace vmflow
