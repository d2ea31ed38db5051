// SPDX-License-Identifier: GPL-2.0-only
// What features are made of, of all VMs at one moment: for who compares two looks.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analysis/flow_model.h"

namespace vmflow {

/// "monotonic_seconds" and "vms", each with "id", "name", "pid", "start_time_unix_seconds" and
/// "counters" by feature_counters().
/// Units: seconds and counts. Shape: what is not known of a VM is left out.
nlohmann::ordered_json counters_json(const FlowModel& model);

}  // namespace vmflow
