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

/// Who held the CPU while a VM was ready. Shape: `who` is empty if there is no name.
struct NamedCulprit {
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  std::string who;
  uint32_t pid = 0;
  uint64_t ns = 0;
};

/// The culprit in words: "batch-1", "backup (pid 77)", "nobody: the CPU was idle".
std::string culprit_text(const NamedCulprit& culprit);

}  // namespace vmflow
