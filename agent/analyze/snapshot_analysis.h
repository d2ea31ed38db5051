// SPDX-License-Identifier: GPL-2.0-only
// What a snapshot that was just taken tells: its report, and whether the kernel side has counted
// right.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/trace_flow.h"

namespace vmflow {

inline constexpr const char* kReportPage = "report.html";
inline constexpr const char* kReportJson = "report.json";

struct SnapshotAnalysis {
  std::string html;
  std::string json;
  std::string finding;  ///< the report's sentence
  std::vector<Disagreement> disagreements;
  uint64_t events = 0;
};

/// Analyses the traces of a snapshot's folder. `go_on` is asked now and then; false ends it.
/// Errors: the traces cannot be read, or it was ended.
/// Threads: any one; the reading is done by a child process.
Result<SnapshotAnalysis> analyze_snapshot(const std::filesystem::path& folder,
                                          const std::function<bool()>& go_on);

}  // namespace vmflow
