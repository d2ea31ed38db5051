// SPDX-License-Identifier: GPL-2.0-only
// vmflow snapshot: has the agent take one, whatever the rules think.
#pragma once

#include <functional>
#include <string>

#include "agent/cli/agent_client.h"

namespace vmflow {

struct SnapshotOrder {
  std::string vm;
  std::string reason;
  bool wait = false;
};

/// What is to be printed, and the ExitStatus.
struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

/// `pause` lets a moment go by between two questions; false: it has been long enough.
Outcome order_snapshot(AgentClient& agent, const SnapshotOrder& order,
                       const std::function<bool()>& pause);

}  // namespace vmflow
