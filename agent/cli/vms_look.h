// SPDX-License-Identifier: GPL-2.0-only
// What the agent's list of VMs says at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json_fields.h"
#include "agent/result.h"

namespace vmflow {

/// One VM. Units: seconds of vCPU time since the agent has known it, but for `cause_share`.
/// Shape: names are as the tenant chose them: to be shown through shown_text() only. What the agent
///        did not say is empty or absent.
struct VmCounters {
  std::string id;
  std::string name;
  std::string vmm;
  uint64_t pid = 0;
  uint64_t vcpus = 0;
  std::optional<double> start_unix_seconds;
  NamedNumbers states;  ///< with "unaccounted"
  NamedNumbers waits;   ///< by reason, of waits that have ended
  std::optional<double> exits;
  std::string cause;  ///< as the API has it: "own_load"
  std::optional<double> cause_share;
  std::string sentence;
  std::string use;  ///< as the API has it: "idle"
  std::string use_sentence;
  std::string culprit;  ///< who had its CPU most in the last minute; empty: nobody worth a name
};

/// Shape: `seconds` is the agent's clock.
struct VmsLook {
  std::optional<double> seconds;
  std::vector<VmCounters> vms;
};

/// The state "unaccounted" is the agent's own count beside the states.
NamedNumbers states_of(const nlohmann::json& json);

/// Who it was, by its name or else its kind: "batch-1", "backup", "itself", "idle CPU".
/// Shape: an object `culprit` of the API.
std::string culprit_of(const nlohmann::json& culprit);

/// One VM of the list, or the answer to /vms/ID.
VmCounters counters_of(const nlohmann::json& json);

/// The answer to GET /api/v1/vms. Errors: it is no such answer.
Result<VmsLook> vms_look(std::string_view json);

}  // namespace vmflow
