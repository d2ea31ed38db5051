// SPDX-License-Identifier: GPL-2.0-only
// A report as a trace that the Perfetto UI and chrome://tracing open.
//
// A process of the picture is a VM, with the VM's pid in its name. Its threads are its vCPUs, whose
// slices are their states, and, where registers were recorded, its guest processes, whose slices
// are the vCPUs that they had: on a second track while it has a second one, and so on. Arrows go
// from the vCPU that sent an interrupt to the one that it was for. Source: Google, Trace Event
// Format.
#pragma once

#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// Units: `ts` and `dur` are microseconds, to the nanosecond, since `begin_ns` of its `otherData`:
///        the window's begin, or what is drawn before it.
std::string perfetto_json(const TraceReport& report);

}  // namespace vmflow
