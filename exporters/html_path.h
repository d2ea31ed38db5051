// SPDX-License-Identifier: GPL-2.0-only
// A critical path for the page's script to draw.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/path_report.h"
#include "analysis/trace_report.h"

namespace vmflow {

/// A path with so few stretches that a page can carry it: short ones that follow one another are
/// one, which is drawn as what most of it is. Shape: at most `most` + 1 stretches, which fill the
/// same window.
std::vector<PathStretch> coarse_stretches(const CriticalPath& path, size_t most);

/// Units: nanoseconds since the window's begin.
/// Shape: `rows` are names, the worker's own first; `stretches` numbers in sixes: begin, length,
/// row,
///        what (a place in doings_json()), level, by whom (a place in `names`, -1: nobody).
///        exporters/html/path.js reads it.
nlohmann::ordered_json html_path_json(const ReportPath& report, const ReportWindow& window,
                                      size_t most);

nlohmann::ordered_json doings_json();

}  // namespace vmflow
