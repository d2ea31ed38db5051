// SPDX-License-Identifier: GPL-2.0-only
// Asks the agent again and again what its VMs did.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/top_model.h"

namespace vmflow {

/// Errors: nothing answers, or it is no vmflowd; in words.
Result<VmsLook> ask_vms(AgentClient& agent);

/// What `vmflow top -b` and `vmflow log` do with what they get.
struct VmWatch {
  uint64_t count = 0;  ///< looks to tell of, 0: for ever; one that failed counts, so that it ends
  std::function<bool()> pause;  ///< lets the time between two looks go by; false: it is enough
  std::function<bool(const TopRows&)> tell;      ///< false: it is enough
  std::function<void(const std::string&)> warn;  ///< once for each new problem after the first look
};

/// Looks one time more than it tells of, for the first look has nothing to be compared with.
/// Errors: the first look failed, or none after it was answered.
Result<void> watch_vms(AgentClient& agent, const VmWatch& watch);

/// "2026-01-31T12:00:00Z" (RFC 3339). Units: seconds since 1970, in UTC.
std::string utc_text(double unix_seconds);
std::string utc_now();

}  // namespace vmflow
