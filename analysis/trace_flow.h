// SPDX-License-Identifier: GPL-2.0-only
// What triggers and traces have come to, as counts: part of the model.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

/// Why a snapshot that was asked for is not taken.
enum class Refusal {
  kCooldown,  ///< the same trigger has had one of the same VM lately
  kBusy,      ///< one is being taken
  kRate,      ///< too many in the last hour
  kQuota,     ///< no room for it among those that are kept
  kDisk,      ///< the file system is too full
  kOff,       ///< there is nothing to take them with, or nowhere to put them
};
constexpr uint32_t kRefusals = 6;

std::string_view refusal_name(Refusal refusal);

/// One trigger: a rule by its name, or who else may ask.
struct TriggerFlow {
  std::string name;
  uint64_t evaluations = 0;  ///< of a rule: times that it was held against a VM
  uint64_t fired = 0;
  std::array<uint64_t, kRefusals> suppressed{};  ///< by Refusal
  double last_snapshot_unix_seconds = 0;         ///< 0: none
};

/// One way to record.
struct BackendFlow {
  std::string name;
  bool available = false;
  uint64_t snapshots = 0;
  uint64_t failures = 0;
  uint64_t events_lost = 0;
  uint64_t written_bytes = 0;
};

/// The latest snapshot of a VM that is kept.
struct SnapshotLink {
  std::string vm;
  std::string snapshot;
  std::string trigger;
};

/// What was counted live against what the latest snapshot's trace tells. Units: see crosscheck().
struct Disagreement {
  std::string quantity;
  double ratio = 0;
};

/// Snapshots that were analysed when they were complete.
struct AnalysisFlow {
  uint64_t done = 0;
  uint64_t failed = 0;
  uint64_t events = 0;
  double seconds = 0;
  std::vector<Disagreement>
      disagreements;  ///< of the latest that could be held against the counters
};

/// How far back a recorder's buffers reach. Units: 0 is not known.
struct RecorderSpan {
  std::string recorder;
  double seconds = 0;
};

struct TraceFlow {
  AnalysisFlow analyses;
  std::vector<RecorderSpan> spans;
  std::vector<TriggerFlow> triggers;
  std::vector<BackendFlow> backends;
  std::vector<SnapshotLink> links;
  uint64_t stored_snapshots = 0;
  uint64_t stored_bytes = 0;
};

}  // namespace vmflow
