// SPDX-License-Identifier: GPL-2.0-only
// What is told of a snapshot: why it was taken, of whom, with what. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/anomaly.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// What a recorder has written. Units: bytes of files; `first_ns` and `last_ns` are
/// CLOCK_MONOTONIC, 0 if not known.
struct RecordedTrace {
  std::vector<std::string> parts;  ///< folders of CTF below the one that was given
  uint64_t bytes = 0;
  uint64_t events_lost = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
};

/// Units: `asked_ns` and `taken_ns` are CLOCK_MONOTONIC.
struct SnapshotFacts {
  std::string id;
  std::string trigger;
  std::string reason;  ///< a sentence: the finding's, or what who asked has said
  std::string vm;      ///< label; empty: of the whole host
  std::string name;
  std::optional<Finding> finding;
  double asked_unix_seconds = 0;
  uint64_t asked_ns = 0;
  uint64_t taken_ns = 0;
  HostInfo host;
  std::string version;
  std::string revision;
  std::string backend;
  RecordedTrace trace;
  std::string trace_error;  ///< why there is no trace; empty if there is one, or no recorder
};

/// One snapshot in a list.
enum class SnapshotState { kRecording, kComplete, kFailed };

struct SnapshotSummary {
  std::string id;
  SnapshotState state = SnapshotState::kComplete;
  double unix_seconds = 0;
  std::string trigger;
  std::string reason;
  std::string vm;
  std::string name;
  uint64_t bytes = 0;
  std::string error;  ///< of one that has failed
};

}  // namespace vmflow
