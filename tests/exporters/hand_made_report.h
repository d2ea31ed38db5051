// SPDX-License-Identifier: GPL-2.0-only
// Reports of a host that never was.
#pragma once

#include "analysis/trace_report.h"

namespace vmflow::test {

/// Two VMs with a vCPU each, in round numbers: "web" is ready for 4 s of 10 s, of which "batch" has
/// taken 3; all that a report can hold is there.
TraceReport small_report();

/// The same with 3 VMs of 8 vCPUs together, `intervals` in all, and names that want to be more than
/// text.
TraceReport large_report(uint32_t intervals);

/// What a tenant may call a VM, in the hope that somebody forgets to escape it.
extern const char* const kHostileName;

}  // namespace vmflow::test
