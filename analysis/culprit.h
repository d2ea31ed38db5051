// SPDX-License-Identifier: GPL-2.0-only
// Who took the CPU from whom: the matrix of victims and culprits, with names.
#pragma once

#include <vector>

#include "analysis/carry.h"
#include "analysis/flow_model.h"

namespace vmflow {

/// The rows of the matrix, the victims' labels in order and the worst culprit first.
/// Shape:  `vms` are by label. For every victim the rows of a kind sum to VmFlow::culprit_ns; what
/// the kernel had no
///         entry for is a row without a name. Rows of 0 ns are left out.
std::vector<CulpritFlow> culprits_of(const Snapshot& snapshot, const Carry& carry,
                                     const std::vector<VmFlow>& vms);

}  // namespace vmflow
