// SPDX-License-Identifier: GPL-2.0-only
// An analysed trace as one page that needs nothing but itself.
#pragma once

#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// The page: the finding, every VM's verdict, the timeline of every vCPU, what took its time, and
/// what speaks for and against the numbers. Without scripts all but the timeline is there.
/// Shape: about 8 bytes an interval. Names are text wherever they stand: escaped here, and only
///        ever assigned as text by the script; no other script than the page's own may run.
std::string html_report(const TraceReport& report);

}  // namespace vmflow
