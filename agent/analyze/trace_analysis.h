// SPDX-License-Identifier: GPL-2.0-only
// Reads recorded traces, replays them, and says what they tell; holds them against what the kernel
// side had counted, if that is beside them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/sources/aggregate_file.h"
#include "analysis/crosscheck.h"
#include "analysis/join_graphs.h"
#include "analysis/trace_report.h"

namespace vmflow {

struct AnalysisProgress {
  uint64_t events = 0;
};

/// Units: seconds from the trace's first event.
struct AnalysisOptions {
  std::string vm = {};  ///< label, name or pid; empty: all
  /// Whose critical path is wanted besides those of the VMs: see find_worker(). Empty: nobody's.
  std::string path = {};
  std::optional<double> from_seconds = {};
  std::optional<double> to_seconds = {};
  /// CLOCK_MONOTONIC: what happened from here on is judged by itself too. 0: there is no such
  /// moment.
  uint64_t onset_ns = 0;
  /// Another host's trace will be joined to this one: keep the packets and the graph. A trace
  /// without `vm` or `path` is no error then: another host's may have it.
  bool is_one_of_several = false;
  /// False: stop, and report what there was so far. May be empty.
  std::function<bool(const AnalysisProgress&)> on_progress = {};
};

struct TraceAnalysis {
  TraceReport report;       ///< judged
  TraceReport since_onset;  ///< the same from the onset on; without VMs if there was none
  Crosscheck check;         ///< without rows if there was nothing to hold it against
  /// What joins the report of a host to those of others; empty unless packets were asked for, and
  /// the report has no critical paths then.
  HostGraph joint;
  uint64_t events = 0;
  bool interrupted = false;
};

/// Shape:  `paths` are folders with CTF traces in or below them; a ring of vmflow's among them is
/// what is replayed,
///         since it holds what the kernel side had decided; LTTng's is then the second source for
///         counts.
/// Errors: no trace, a broken one, clocks that differ, see read_ctf(); no such worker.
Result<TraceAnalysis> analyze_traces(const std::vector<std::string>& paths,
                                     const AggregateWindow* aggregate,
                                     const AnalysisOptions& options);

/// One line for a user whose worker is not there. Shape: `others` as workers_text() says.
std::string no_worker_text(const std::string& wanted, const std::string& others);

/// The aggregate of a snapshot's folder; nullopt if it has none. Errors: it cannot be used, and
/// why.
Result<std::optional<AggregateWindow>> aggregate_beside(const std::vector<std::string>& paths);

}  // namespace vmflow
