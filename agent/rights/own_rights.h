// SPDX-License-Identifier: GPL-2.0-only
// What the kernel says that a process may do.
#pragma once

#include <string>

#include "agent/result.h"
#include "analysis/rights_flow.h"

namespace vmflow {

/// Over all threads of the process whose folder is `process` (/proc/self): a capability is held if
/// one of them holds it, a limit is there if all have it. Errors: its threads or what they are
/// called there cannot be read.
Result<RightsFlow> read_rights(const std::string& process);

/// For a log: "capabilities: cap_bpf cap_perfmon; no_new_privs: on; …".
std::string rights_text(const RightsFlow& rights);

}  // namespace vmflow
