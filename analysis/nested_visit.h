// SPDX-License-Identifier: GPL-2.0-only
// When a vCPU was at work for which guest of its VM: the time that nested_flow.h deals out to the
// levels, as intervals. Inside nested_life and guest_spans.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/flow_replay_result.h"

namespace vmflow {

/// A nested guest has the vCPU, it or a level below at work for it: from a VMRUN of it until the
/// exit after which the VM did something else.
/// Shape: `left_with` is that exit, FLOW_EXIT_NONE if the trace ends or the end was missed.
///        `before` is the VMCB12 of the visit before on this vCPU, 0 if there was none.
struct NestedVisit {
  uint64_t vmcb12 = 0;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint32_t left_with = FLOW_EXIT_NONE;
  uint64_t before = 0;
  uint32_t before_left_with = FLOW_EXIT_NONE;
  bool after_halt = false;  ///< the VM has halted the vCPU since the visit before
};

/// Shape: by time, they do not overlap.
std::vector<NestedVisit> nested_visits(const ReplayedVcpu& vcpu);

}  // namespace vmflow
