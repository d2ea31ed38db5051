// SPDX-License-Identifier: GPL-2.0-only
// The execution graphs of several hosts as one, in which a wait that a packet of another host has
// ended is that host's doing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/clock_alignment.h"
#include "analysis/execution_graph.h"
#include "analysis/host_clocks.h"
#include "analysis/packet_book.h"
#include "analysis/packet_match.h"

namespace vmflow {

/// Units: times of the host's own clock.
struct HostGraph {
  ExecutionGraph graph;
  PacketBook packets;
};

/// The packets of two hosts. Shape: `first` < `second`, places in the list of hosts.
struct HostMatch {
  uint32_t first = 0;
  uint32_t second = 0;
  PacketMatch match;
};

/// Units: the first host's clock. Shape: `windows` are by host: what its graph tells of; both 0 of
/// a host whose clock is not known, which has no workers here.
struct JoinedGraph {
  ExecutionGraph graph;
  std::vector<ClockSpan> windows;
  uint64_t crossings = 0;  ///< waits that a worker of another host has ended
};

/// One host's graph.
JoinedGraph joined_graph(ExecutionGraph graph);

/// Shape:  `clocks` has one for each of `hosts`. A thread that works for a VM was woken by the last
///         packet that the CPU handled before, if it was handled in the time of the thread that the
///         scheduler took for the waker, or in no thread's, and at the device whose packets wake
///         this thread most often: its tap. That packet came from another host if the two have seen
///         the same header, and from the thread there in whose time it was sent.
/// Errors: none: what nothing tells, as a thread of which the trace knows no sleep, links nothing.
///         Only hosts whose clocks are accurate are linked, and nothing that was received before it
///         was sent.
JoinedGraph join_graphs(std::vector<HostGraph> hosts, std::span<const HostClock> clocks,
                        std::span<const HostMatch> matches);

}  // namespace vmflow
