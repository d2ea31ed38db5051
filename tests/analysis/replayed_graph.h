// SPDX-License-Identifier: GPL-2.0-only
// The execution graph of drawn events, and its paths as lines to compare.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/build_graph.h"
#include "tests/analysis/drawn_graph.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {

using Lines = std::vector<std::string>;

struct Graph {
  ReplayResult replayed;
  ExecutionGraph graph;

  explicit Graph(const std::vector<Event>& events, bool has_all_switches = true) {
    ThreadFlow threads({.has_all_switches = has_all_switches});
    for (const auto& event : events) threads.step(event);
    replayed = replay(events);
    graph = build_graph(replayed, guest_processes(replayed), std::move(threads).finish());
  }
  uint32_t of(const DrawnThread& thread) const {
    for (uint32_t i = 0; i < graph.workers.size(); i++)
      if (graph.workers[i].tid == thread.tid) return i;
    return kNoWorker;
  }
  Lines path(uint32_t worker) const {
    const auto path = critical_path(graph, worker, graph.begin_ns, graph.end_ns);
    expect_conserved(path, graph);
    return lines_of(path, graph);
  }
};

}  // namespace vmflow::test
