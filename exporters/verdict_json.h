// SPDX-License-Identifier: GPL-2.0-only
// Why a VM is slow now, as the API says it.
#pragma once

#include <nlohmann/json.hpp>

#include "analysis/flow_model.h"

namespace vmflow {

/// The verdict on one VM of the model, with all that speaks for it. Units: seconds of vCPU time, of
/// the window wall time.
nlohmann::ordered_json verdict_json(const VmFlow& vm, const FlowModel& model);

/// The same in short, for a list of VMs: the cause, its share, the sentence, and who of all had
/// most of the time in which the VM was ready. Shape: `culprit` is null if nobody had any.
nlohmann::ordered_json short_verdict_json(const VmFlow& vm, const FlowModel& model);

}  // namespace vmflow
