// SPDX-License-Identifier: GPL-2.0-only
// An execution graph that a test draws, and paths as lines to compare.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "analysis/critical_path.h"
#include "analysis/guest_process.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {

/// Draws workers by their names, and what each did. Units: nanoseconds.
class DrawnGraph {
 public:
  ExecutionGraph graph{.workers = {}, .chains = {}, .begin_ns = 0, .end_ns = 1000};

  uint32_t of(std::string_view name, WorkerKind kind = WorkerKind::kVcpu) {
    for (uint32_t i = 0; i < graph.workers.size(); i++)
      if (text_of(graph.workers[i].comm) == name) return i;
    graph.workers.push_back({.kind = kind, .comm = comm_of(name)});
    graph.chains.emplace_back();
    return static_cast<uint32_t>(graph.workers.size() - 1);
  }
  DrawnGraph& runs(std::string_view who, uint64_t from, uint64_t to, uint8_t level = 1) {
    return add(who, {from, to, to, kNoWorker, Doing::kRunning, level});
  }
  DrawnGraph& is_ready(std::string_view who, uint64_t from, uint64_t to, std::string_view behind) {
    return add(who, {from, to, to, of(behind), Doing::kReady, 0});
  }
  DrawnGraph& waits(std::string_view who, uint64_t from, uint64_t to, Doing what,
                    std::string_view by = "", uint64_t woken_ns = 0) {
    const uint32_t waker = by.empty() ? kNoWorker : of(by);
    return add(who, {from, to, woken_ns == 0 ? to : woken_ns, waker, what, 0});
  }

 private:
  DrawnGraph& add(std::string_view who, const WorkStretch& stretch) {
    graph.chains[of(who)].push_back(stretch);
    return *this;
  }
};

inline std::string name_in(const ExecutionGraph& graph, uint32_t place) {
  const auto& worker = graph.workers[place];
  if (worker.kind == WorkerKind::kProcess) return process_name(worker.process);
  return std::string(text_of(worker.comm));
}

/// "web running L1 0-100", "web ready <hog 100-200", "web disk 200-300".
inline std::vector<std::string> lines_of(const CriticalPath& path, const ExecutionGraph& graph) {
  std::vector<std::string> lines;
  for (const auto& each : path.stretches) {
    std::string what(doing_name(each.doing));
    if (each.doing == Doing::kRunning) what += fmt::format(" L{}", each.level);
    if (each.doing == Doing::kReady && each.by != kNoWorker) what += " <" + name_in(graph, each.by);
    lines.push_back(
        fmt::format("{} {} {}-{}", name_in(graph, each.worker), what, each.begin_ns, each.end_ns));
  }
  return lines;
}

/// Whatever the graph is: the path fills its window, in order, and so do its parts.
inline void expect_conserved(const CriticalPath& path, const ExecutionGraph& graph) {
  uint64_t at_ns = path.begin_ns, parts_ns = 0;
  size_t stretches = 0;
  for (const auto& each : path.stretches) {
    EXPECT_EQ(each.begin_ns, at_ns);
    EXPECT_LT(each.begin_ns, each.end_ns);
    at_ns = each.end_ns;
  }
  EXPECT_EQ(at_ns, path.end_ns);
  for (const auto& part : path.parts) parts_ns += part.ns;
  EXPECT_EQ(parts_ns, path.end_ns - path.begin_ns);
  for (const auto& chain : graph.chains) stretches += chain.size();
  EXPECT_LE(path.stretches.size(), 3 * stretches + 1) << "no stretch is walked twice";
}

}  // namespace vmflow::test
