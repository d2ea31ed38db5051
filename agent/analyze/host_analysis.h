// SPDX-License-Identifier: GPL-2.0-only
// The traces of one host or of several, each replayed on its own, in one report.
#pragma once

#include <vector>

#include "agent/analyze/host_folders.h"
#include "agent/analyze/trace_analysis.h"

namespace vmflow {

/// Shape:  of one host what analyze_traces() says, with what its folder tells of a trigger. Of
///         several one report on the first one's clock: see merged_report(). `from_seconds` and
///         `to_seconds` count from each host's own first event.
/// Errors: as analyze_traces(); also of one host among several.
Result<TraceAnalysis> analyze_hosts(const std::vector<HostFolders>& hosts,
                                    const AnalysisOptions& options);

}  // namespace vmflow
