// SPDX-License-Identifier: GPL-2.0-only
// A model as the JSON of the API: what is too much for a metric, with names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analysis/flow_model.h"
#include "analysis/guest_process.h"

namespace vmflow {

/// The version in every answer; it rises when a field changes its meaning or goes.
constexpr int kApiVersion = 1;
constexpr std::string_view kApiRoot = "/api/v1";

/// The answer to a path below kApiRoot: /vms, /vms/{id}, /vms/{id}/culprits, /vms/{id}/verdict,
/// /culprits. An id is a label vm. Units: seconds. Errors: nullopt if there is no such path or VM.
std::optional<std::string> api_json(const FlowModel& model, std::string_view path);

/// The path of one VM's processes?
bool wants_processes(std::string_view path);

/// The answer to /vms/{id}/processes: those of the `processes` that are the VM's, over the seconds
/// from `begin_ns` to `end_ns`; what it lacks, in words, if there are none. The same errors.
std::optional<std::string> api_processes_json(const FlowModel& model, std::string_view path,
                                              std::span<const VmProcesses> processes,
                                              uint64_t begin_ns, uint64_t end_ns);

/// What is answered then.
std::string api_error(std::string_view message);

}  // namespace vmflow
