// SPDX-License-Identifier: GPL-2.0-only
// Features of a host's VMs from two looks at its agent.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/agent_client.h"
#include "agent/result.h"
#include "analysis/feature_catalog.h"

namespace vmflow {

/// A table, and what is to be said of it.
struct FeatureReading {
  FeatureTable table{feature_columns(), {}};
  std::vector<std::string> notes;  ///< a line each
  bool is_partial = false;         ///< something was asked for and not answered
};

/// What /api/v1/counters says. Units: seconds of the agent's clock.
struct CountersLook {
  struct Vm {
    std::string name;
    uint64_t pid = 0;
    double start_unix_seconds = 0;
    FeatureSums totals;
  };
  double seconds = 0;
  std::map<std::string, Vm> vms;  ///< by label
};

/// Errors: it is no such answer.
Result<CountersLook> counters_look(std::string_view json);

/// Errors: no answer, or it is no vmflowd, or an older one.
Result<CountersLook> ask_counters(AgentClient& agent);

/// What happened in between. Shape: VMs that both looks have and whose counters have not begun
/// anew; the notes say of how many others.
FeatureReading features_between(const CountersLook& before, const CountersLook& now,
                                const std::string& host, double end_unix_seconds);

}  // namespace vmflow
