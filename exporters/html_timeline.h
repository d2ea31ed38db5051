// SPDX-License-Identifier: GPL-2.0-only
// What the page's script draws the timeline from.
#pragma once

#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// Shape: JSON for a script element, see exporters/html/intervals.js. Moments are nanoseconds since
///        the window's begin; absolute ones are text, since a script's numbers do not hold them.
std::string timeline_json(const TraceReport& report);

}  // namespace vmflow
