// SPDX-License-Identifier: GPL-2.0-only
// What the traces of several hosts tell, in one report on the first host's clock.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/host_clocks.h"
#include "analysis/trace_report.h"

namespace vmflow {

/// One host's report by itself, judged. Units: times of its own clock.
struct HostReport {
  std::string name;
  TraceReport report;
};

/// Shape:  `clocks` has one for each of `hosts`, which are two at least; `pairs` as in
///         chain_clocks(). VMs carry the host they ran on. A host whose clock is not known keeps
///         its sums, but has no place on the others' timeline: its intervals are left out.
///         Critical paths come afterwards: see add_paths().
TraceReport merged_report(std::vector<HostReport> hosts, std::span<const HostClock> clocks,
                          std::span<const HostPair> pairs);

}  // namespace vmflow
