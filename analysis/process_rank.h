// SPDX-License-Identifier: GPL-2.0-only
// Which processes matter most to a workload, by who wakes whom, and which belong together.
//
// As of pages that link to one another: a process is worth what those who wake it hand on to it,
// R(p) = (1 - c)/n + c * (sum of R(w) * k(w, p)/N(w) over w that wake p  +  D/n)
// with n processes, k(w, p) wake-ups of p by w, N(w) wake-ups by w, c = 0.85, and D the rank of
// those who wake nobody, which is spread over all. So every graph has one solution: one in which
// all look alike, one with ends, one in pieces. Ranks sum to 1.
// Source: thesis, PRA; there without the parts for ends and pieces, and with k = 1.
#pragma once

#include <cstdint>
#include <vector>

namespace vmflow {

/// `from` woke `to`. Shape: both are below WakeGraph::processes.
struct WakeEdge {
  uint32_t from = 0;
  uint32_t to = 0;
  uint64_t count = 0;
};

/// Shape: an edge may come several times; of a process to itself, or counted 0, it tells nothing.
struct WakeGraph {
  uint32_t processes = 0;
  std::vector<WakeEdge> edges;
};

/// Shape: by process. A group is what is connected by wake-ups in either direction; groups are
/// counted from 0, the one with the best-ranked process first.
struct ProcessRanks {
  std::vector<double> rank;
  std::vector<uint32_t> group;
  std::vector<bool> alone;  ///< wakes nobody, and nobody wakes it
  std::vector<bool> kept;   ///< in a group that belongs to the workload

  bool operator==(const ProcessRanks&) const = default;
};

constexpr double kRankDamping = 0.85;
constexpr uint32_t kBestRanked = 5;

/// Kept is whoever is in a group with one of the kBestRanked best-ranked that are not alone; of
/// equally ranked ones the first in the graph's order is better.
/// Errors: none; an edge to a process that is not there is left out.
ProcessRanks rank_processes(const WakeGraph& graph);

}  // namespace vmflow
