// SPDX-License-Identifier: GPL-2.0-only
// The execution graph of one host, out of what a trace has come to.
#pragma once

#include <span>

#include "analysis/execution_graph.h"
#include "analysis/flow_replay_result.h"
#include "analysis/guest_process.h"
#include "analysis/thread_flow.h"

namespace vmflow {

/// Shape:  vCPUs come first, in the order of `replay.vcpus`. What a vCPU did is the replay's word;
///         `lives` may be of another recorder of the same clock, and tells of all others. The
///         window is that of both, up to where intervals or stretches became too many to keep.
/// Errors: none: whoever is not told is kNoWorker.
ExecutionGraph build_graph(const ReplayResult& replay, std::span<const VmProcesses> processes,
                           const ThreadLives& lives);

}  // namespace vmflow
