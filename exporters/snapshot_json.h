// SPDX-License-Identifier: GPL-2.0-only
// The JSON of snapshots: the files in a snapshot's folder, and what the API answers of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_history.h"
#include "analysis/snapshot_facts.h"

namespace vmflow {

/// The version in both files; it rises when a field changes its meaning or goes.
constexpr int kSnapshotVersion = 1;
constexpr const char* kFindingFile = "finding.json";
constexpr const char* kHistoryFile = "history.json";

/// finding.json. `history` tells the VM's numbers before and during.
std::string finding_json(const SnapshotFacts& facts, const FlowHistory& history);

/// history.json: every VM, second by second; what is 0 throughout is left out.
std::string history_json(const FlowHistory& history);

/// What finding_json() has said of itself. Errors: nullopt if it is no such text.
std::optional<SnapshotSummary> summary_of(std::string_view finding_json);

/// The answer to GET /api/v1/snapshots.
std::string snapshots_json(const std::vector<SnapshotSummary>& snapshots, uint64_t stored_bytes);

/// The answer to GET /api/v1/snapshots/{id}. `finding`: the text of finding.json; empty if there is
/// none yet.
std::string snapshot_json(const SnapshotSummary& snapshot, const std::string& folder,
                          const std::vector<std::string>& files, std::string_view finding);

std::string_view state_name(SnapshotState state);

}  // namespace vmflow
