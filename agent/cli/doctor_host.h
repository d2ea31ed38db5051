// SPDX-License-Identifier: GPL-2.0-only
// Gathers what vmflow doctor looks at, of this machine.
#pragma once

#include <string>

#include "agent/cli/agent_client.h"
#include "agent/cli/doctor_check.h"

namespace vmflow {

struct DoctorOrder {
  AgentAddress agent{};
  std::string config_file = "/etc/vmflow/vmflowd.json";
  bool ask_agent = true;
};

/// Changes nothing, and returns within half a minute, whatever hangs.
DoctorHost gather_host(const DoctorOrder& order);

/// What `agent` says, of its metrics only what the checks read.
AgentWords agent_words(AgentClient& agent, const std::string& metrics_path = "/metrics");

}  // namespace vmflow
