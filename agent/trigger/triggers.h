// SPDX-License-Identifier: GPL-2.0-only
// All triggers of the agent: rules that watch the model, and what people and Alertmanager ask for,
// in front of the loop that takes the snapshots.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "agent/config.h"
#include "agent/trigger/trigger_loop.h"
#include "analysis/anomaly.h"
#include "analysis/flow_history.h"

namespace vmflow {

inline constexpr const char* kHttpTrigger = "http";
inline constexpr const char* kAlertmanagerTrigger = "alertmanager";

struct VmRef {
  std::string label;
  std::string name;
};

/// Threads: all from any.
class Triggers {
 public:
  /// A folder that cannot be used is logged, and every snapshot then refused: the agent goes on.
  Triggers(const Config& config, std::unique_ptr<TraceRecorder> recorder,
           TriggerClock clock = system_clock());

  /// Remembers what the model shows, holds it against the rules and asks for what they find.
  void tick(const FlowModel& model);

  /// Into the model: counts as of now.
  TraceFlow flow() const;

  /// A VM by its label, or by its name if no other has it.
  std::optional<VmRef> find_vm(std::string_view label_or_name) const;

  /// `vm` empty: the whole host. `reason` may be anything.
  Asked request(const std::string& trigger, const VmRef& vm, std::string_view reason);

  const TriggerLoop& loop() const { return loop_; }
  /// See TriggerLoop::stop().
  bool stop(std::chrono::milliseconds most) { return loop_.stop(most); }

 private:
  SnapshotContext context() const;
  static TriggerParts parts_of(const Config& config, std::unique_ptr<TraceRecorder> recorder,
                               TriggerClock clock);

  mutable std::mutex mutex_;
  AnomalyWatch watch_;
  FlowHistory history_;
  HostInfo host_;
  std::string version_;
  std::string revision_;
  TriggerLoop loop_;  // the last: its thread reads the others
};

}  // namespace vmflow
