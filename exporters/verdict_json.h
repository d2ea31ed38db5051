// SPDX-License-Identifier: GPL-2.0-only
// Why a VM is slow now, as the API says it.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/flow_model.h"

namespace vmflow {

/// The verdict on one VM of the model, with all that speaks for it. Units: seconds of vCPU time, of
/// the window wall time.
nlohmann::ordered_json verdict_json(const VmFlow& vm, const FlowModel& model);

}  // namespace vmflow
