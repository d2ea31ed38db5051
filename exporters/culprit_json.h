// SPDX-License-Identifier: GPL-2.0-only
// Who took the CPU from whom, as JSON with names.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "analysis/flow_model.h"

namespace vmflow {

/// The VM with this label; nullptr if there is none.
const VmFlow* vm_called(const FlowModel& model, std::string_view label);

/// One row of the matrix. Units: seconds.
nlohmann::ordered_json culprit_json(const FlowModel& model, const CulpritFlow& row);

/// The rows of one victim, or of all.
nlohmann::ordered_json culprits_json(const FlowModel& model, const VmFlow* victim);

}  // namespace vmflow
