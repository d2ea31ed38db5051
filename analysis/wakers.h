// SPDX-License-Identifier: GPL-2.0-only
// Which vCPU of a VM wakes which.
#pragma once

#include <map>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// The pairs of every VM, by the time that they ended, longest first.
/// Shape: those of a VM sum to at most its halted time that a sibling's interrupt ended, `task_ns`
/// by VM.
std::map<VmKey, std::vector<WakerFlow>> wakers_of(const Snapshot& snapshot,
                                                  const std::map<VmKey, uint64_t>& task_ns);

}  // namespace vmflow
