// SPDX-License-Identifier: GPL-2.0-only
// An analysed trace as JSON, for programs.
#pragma once

#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// The version in every report; it rises when a field changes its meaning or goes.
constexpr int kReportVersion = 1;

struct ReportJsonOptions {
  bool intervals = false;  ///< with every interval of every vCPU
};

/// Units: seconds of sums; of moments nanoseconds since the window's begin, which itself stands
///        there as `begin_ns` of the trace's clock.
/// Shape: of a verdict, `seconds` support its cause, `lost_seconds` are those of the worst cause
///        that is not the VM's own work, `second` is null if no other cause took anything.
///        An interval is [begin, end, state, place in `details`]; what is not known is absent.
/// Errors: none; bytes that are no UTF-8 are replaced, numbers that are none are null.
std::string report_json(const TraceReport& report, const ReportJsonOptions& options);

}  // namespace vmflow
