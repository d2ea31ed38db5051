// SPDX-License-Identifier: GPL-2.0-only
// A critical path as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/path_report.h"

namespace vmflow {

/// Units: seconds; stretches are nanoseconds since `window_begin_ns`.
/// Shape: `stretches`, if they are wanted, hold [begin, end, worker, what, level, by], worker and
/// by
///        as places in `workers`, by -1: nobody.
nlohmann::ordered_json path_json(const ReportPath& report, uint64_t window_begin_ns,
                                 bool with_stretches);

}  // namespace vmflow
