// SPDX-License-Identifier: GPL-2.0-only
// A vmflowd that records traces, and what it has saved.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent_process.h"
#include "guest.h"

namespace vmflow::lab {

/// An agent with a new folder of its own for its snapshots. Destroyed: killed, the folder stays.
/// Errors: all throw what could not be done.
class RecordingAgent {
 public:
  /// `flags` go before the usual ones of a test. Returns when it is ready.
  explicit RecordingAgent(std::vector<std::string> flags = {});

  AgentProcess& operator*() { return *agent_; }
  AgentProcess* operator->() { return &*agent_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(agent_->port()); }
  const std::string& folder() const { return folder_; }
  std::string folder_of(const Json& snapshot) const {
    return folder_ + "/" + snapshot["id"].get<std::string>();
  }

  /// `vmflow snapshot` with these flags.
  Finished ask(const std::vector<std::string>& flags);
  /// The newest first, as the API tells them.
  Json snapshots();
  /// The first snapshot that is complete, within `most` seconds; null if there is none.
  Json wait_for_snapshot(double most);
  /// The report that the agent writes beside a snapshot.
  Json wait_for_report(const std::string& id);

  /// The backend that the agent's page calls available, best first.
  std::string backend();
  bool wait_for_backend(const std::string& name, double most = 20);

 private:
  std::string folder_;
  std::optional<AgentProcess> agent_;
};

}  // namespace vmflow::lab
