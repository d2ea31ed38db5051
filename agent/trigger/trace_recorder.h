// SPDX-License-Identifier: GPL-2.0-only
// What can put the events of the last seconds on disk. A recorder of LTTng, of the kernel side's
// own ring, or of both together is one of these: see flight_recorder.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/snapshot_facts.h"
#include "analysis/trace_flow.h"

namespace vmflow {

struct BackendState {
  std::string name;
  bool available = false;
};

/// Threads: save() from one thread; all else from any, and never for long.
class TraceRecorder {
 public:
  virtual ~TraceRecorder() = default;

  /// Writes what is in the buffers below `folder`, which exists and is empty. May take seconds.
  /// Errors: what is missing and what to do; what it has left in `folder` is then removed.
  virtual Result<RecordedTrace> save(const std::filesystem::path& folder) = 0;

  /// Makes a save() that is under way, and all later ones, end soon. For the end of the agent.
  virtual void cancel() noexcept {}

  /// The one that save() would use now, as the label `backend`; `none` if there is none.
  virtual std::string backend() const = 0;
  /// All that this agent knows of, for vmflow_trace_backend_available.
  virtual std::vector<BackendState> backends() const = 0;
  /// How far back the buffers reach, by recorder.
  virtual std::vector<RecorderSpan> spans() const { return {}; }
  /// What save() will write at most, so that room is made for it. Units: bytes.
  virtual uint64_t expected_bytes() const { return 0; }
};

/// Records nothing: a snapshot is then the finding and the history alone, which is still more than
/// nothing.
class NoRecorder : public TraceRecorder {
 public:
  Result<RecordedTrace> save(const std::filesystem::path&) override { return RecordedTrace{}; }
  std::string backend() const override { return "none"; }
  std::vector<BackendState> backends() const override { return {{"none", true}}; }
};

}  // namespace vmflow
