// SPDX-License-Identifier: GPL-2.0-only
// What a snapshot's folder says of itself besides its traces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "analysis/trace_report.h"

namespace vmflow {

/// When what `folder`/finding.json tells of began; 0 if it tells nothing. Units: CLOCK_MONOTONIC.
uint64_t onset_of(const std::filesystem::path& folder);

/// Adds the trigger, its marks and the host of finding.json to the report; nothing if there is no
/// such file or it is not ours: the traces tell all the rest. The finding is then what
/// `since_onset` tells of the trigger's VM.
void add_finding(const std::filesystem::path& folder, TraceReport since_onset, TraceReport& report);

}  // namespace vmflow
