// SPDX-License-Identifier: GPL-2.0-only
// A critical path as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/path_report.h"
#include "exporters/long_lists.h"

namespace vmflow {

/// Units: seconds; stretches are nanoseconds since `window_begin_ns`.
/// Shape: `stretches` hold [begin, end, worker, what, level, by], worker and by as places in
///        `workers`, by -1: nobody. They are one of `lists`, which reads `report` later; null: they
///        are not wanted.
nlohmann::ordered_json path_json(const ReportPath& report, uint64_t window_begin_ns,
                                 LongLists* lists);

}  // namespace vmflow
