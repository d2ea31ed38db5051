// SPDX-License-Identifier: GPL-2.0-only
// An analysed trace for a terminal.
#pragma once

#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// The report in lines of at most 80 columns, a sentence before each table.
/// Shape: one column a character; what is wider is cut with an ellipsis, sentences are wrapped.
std::string text_report(const TraceReport& report);

}  // namespace vmflow
