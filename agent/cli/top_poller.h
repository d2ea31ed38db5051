// SPDX-License-Identifier: GPL-2.0-only
// Asks the agent beside the terminal, so that keys are never kept waiting by the network.
#pragma once

#include <memory>
#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/top_view.h"

namespace vmflow {

/// Asks a vmflowd for its VMs once every delay, and for the details of one VM.
/// Errors: what goes wrong becomes `problem` of the picture, and it keeps asking.
/// Threads: one of its own, which may outlive it while it waits for an answer.
class TopPoller {
 public:
  TopPoller(const AgentAddress& address, double delay_seconds);
  ~TopPoller();
  TopPoller(const TopPoller&) = delete;
  TopPoller& operator=(const TopPoller&) = delete;

  /// The VM whose details are wanted, at once and at every look; empty: none.
  void want(const std::string& id, double delay_seconds);

  /// The newest picture, once; its rows are not sorted. Shape: false if there is no newer one.
  bool take(TopPicture& picture);
  /// How often it was answered.
  [[nodiscard]] uint64_t looks() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace vmflow
