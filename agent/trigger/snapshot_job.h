// SPDX-License-Identifier: GPL-2.0-only
// Takes one snapshot: from what was asked to a folder that is whole.
#pragma once

#include <ctime>
#include <functional>
#include <optional>
#include <string>

#include "agent/result.h"
#include "agent/trigger/snapshot_store.h"
#include "agent/trigger/trace_recorder.h"
#include "analysis/anomaly.h"
#include "analysis/flow_history.h"

namespace vmflow {

/// Who asks, of whom, and why. Shape: texts of people and tenants are sanitised.
struct TriggerRequest {
  std::string trigger;  ///< a rule's name, or `http`, `alertmanager`: a label, so of a closed set
  std::string vm;       ///< label; empty: of the whole host
  std::string name;
  std::string reason;
  bool manual = false;
  std::optional<Finding> finding;
};

struct SnapshotJob {
  std::string id;
  TriggerRequest request;
  uint64_t asked_ns = 0;
  double asked_unix_seconds = 0;
};

/// What the agent knows around a snapshot.
struct SnapshotContext {
  uint64_t now_ns = 0;
  HostInfo host{};
  std::string version{};
  std::string revision{};
  FlowHistory history = FlowHistory();
};

struct TakenSnapshot {
  StoredSnapshot stored;
  SnapshotFacts facts;
};

/// Saves the trace, then writes finding.json and history.json, so that these reach beyond it. A
/// snapshot whose trace fails is completed without one and says why: the finding is worth it.
/// Errors: no room, or it cannot be written; nothing of it is left.
Result<TakenSnapshot> take_snapshot(SnapshotStore& store, TraceRecorder& recorder,
                                    const SnapshotJob& job,
                                    const std::function<SnapshotContext()>& context);

}  // namespace vmflow
