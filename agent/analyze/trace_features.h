// SPDX-License-Identifier: GPL-2.0-only
// Features of the VMs in recorded traces, window by window.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/feature_table.h"

namespace vmflow {

struct TraceFeatures {
  FeatureTable table;
  std::vector<std::string> notes;  ///< what the traces do not tell, a line each
};

/// One host's traces in and below `paths`, see hosts_of(); VMs have the names that a snapshot
/// beside them tells.
/// Units:  `every_ns` is the length of a window; `epoch` of the result is Unix time.
/// Errors: no trace, a broken one; more windows or intervals than can be kept.
Result<TraceFeatures> trace_features(const std::string& host, const std::vector<std::string>& paths,
                                     uint64_t every_ns);

}  // namespace vmflow
