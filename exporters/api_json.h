// SPDX-License-Identifier: GPL-2.0-only
// A model as the JSON of the API: what is too much for a metric, with names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "analysis/flow_model.h"
#include "analysis/guest_process.h"
#include "analysis/nested_life.h"

namespace vmflow {

/// The version in every answer; it rises when a field changes its meaning or goes.
constexpr int kApiVersion = 1;
constexpr std::string_view kApiRoot = "/api/v1";

/// The answer to a path below kApiRoot: /vms, /vms/{id}, /vms/{id}/culprits, /vms/{id}/verdict,
/// /culprits, /counters. An id is a label vm. Units: seconds. Errors: nullopt if there is no such
/// path or VM.
std::optional<std::string> api_json(const FlowModel& model, std::string_view path);

/// The path of one VM's processes?
bool wants_processes(std::string_view path);

/// Who ran inside VMs, over the seconds from `begin_ns` to `end_ns`.
struct InsideVms {
  std::span<const VmProcesses> processes;
  std::span<const VmNested> nested;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
};

/// The answer to /vms/{id}/processes: the VM's processes and the vCPUs of its guests; what it
/// lacks, in words, if there are no processes. The same errors.
std::optional<std::string> api_processes_json(const FlowModel& model, std::string_view path,
                                              const InsideVms& inside);

/// What is answered then.
std::string api_error(std::string_view message);

}  // namespace vmflow
