// SPDX-License-Identifier: GPL-2.0-only
// What VMs and culprits are called in sentences.
#pragma once

#include <string>

#include "analysis/flow_model.h"

namespace vmflow {

/// What a reader calls the VM: its name, or the label if it has none.
const std::string& shown_name(const VmFlow& vm);

/// The same of a culprit: of its VM, if that is one that lives, or the name of its thread.
std::string shown_culprit(const FlowModel& model, const CulpritFlow& row);

}  // namespace vmflow
