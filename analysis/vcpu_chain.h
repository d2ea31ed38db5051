// SPDX-License-Identifier: GPL-2.0-only
// The chain of one vCPU: its intervals, and who ended or caused each. Inside build_graph only.
#pragma once

#include <functional>
#include <vector>

#include "analysis/execution_graph.h"
#include "analysis/flow_replay_result.h"
#include "analysis/thread_flow.h"
#include "analysis/wait_reason.h"

namespace vmflow {

/// Who stands for whom in the graph; each answers kNoWorker for what it does not know.
struct WorkerPlaces {
  std::function<uint32_t(uint32_t tid)> thread;
  std::function<uint32_t(VmKey vm, uint32_t vcpu_id)> vcpu;
  std::function<uint32_t(uint32_t culprit)> culprit;  ///< a place in ReplayResult::culprits
};

/// Shape: `life` is of the vCPU's thread, null if it is not told.
std::vector<WorkStretch> vcpu_chain(const ReplayedVcpu& vcpu, const ThreadLife* life,
                                    const WorkerPlaces& places);

/// Adds to a chain, to its last stretch if it goes on. What is over the last one is left out.
void append_stretch(std::vector<WorkStretch>& chain, WorkStretch stretch);

/// What a wait with this evidence is for.
Doing doing_of(WaitReason reason);

/// Is it a thread that gives interrupts of this kind, by its own doing?
bool is_of_thread(flow_wake_kind kind);

}  // namespace vmflow
