// SPDX-License-Identifier: GPL-2.0-only
// From what a trace's replay has come to, to the report of it.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>

#include "analysis/crosscheck.h"
#include "analysis/execution_graph.h"
#include "analysis/flow_replay_result.h"
#include "analysis/thread_flow.h"
#include "analysis/trace_contents.h"
#include "analysis/trace_report.h"

namespace vmflow {

/// What is known of VMs besides the trace, by process: a trace knows no names.
using IdentitiesByProcess = std::map<uint32_t, VmIdentity>;

/// The model of all that was replayed, as if it had been live: a VM that ended in the trace is told
/// all the same.
FlowModel replayed_model(const ReplayResult& replay, const IdentitiesByProcess& identities);

/// Window, hosts, sources, what is missing, VMs with their timelines, anomalies; verdicts and the
/// finding. `processes` are guest_processes(), `nested` nested_lives(). Shape: only VMs for which
/// `wanted` is true; an empty function wants all.
TraceReport replay_report(const ReplayResult& replay, const TraceContents& contents,
                          const IdentitiesByProcess& identities,
                          std::span<const VmProcesses> processes, std::span<const VmNested> nested,
                          const std::function<bool(const VmFlow&)>& wanted);

/// Which part of the window has no critical paths, and why.
void add_missing_paths(TraceReport& report, const ReplayResult& replay, const ThreadLives& lives,
                       const ExecutionGraph& graph);

/// The rows of a cross-check as the report shows them.
void add_crosscheck(TraceReport& report, const Crosscheck& check);

}  // namespace vmflow
