// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/execution_graph.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vmflow {
namespace {

/// Time in which the worker had something to do and was not asleep.
uint64_t wanted_ns(const std::vector<WorkStretch>& chain) {
  uint64_t ns = 0;
  for (const auto& stretch : chain)
    if (!is_blocked(stretch.doing)) ns += stretch.end_ns - stretch.begin_ns;
  return ns;
}

}  // namespace

std::string_view doing_name(Doing doing) {
  switch (doing) {
    case Doing::kRunning:
      return "running";
    case Doing::kReady:
      return "ready";
    case Doing::kThrottled:
      return "throttled";
    case Doing::kTimer:
      return "timer";
    case Doing::kDisk:
      return "disk";
    case Doing::kNet:
      return "net";
    case Doing::kTask:
      return "task";
    case Doing::kMemory:
      return "memory";
    case Doing::kVmm:
      return "vmm";
    case Doing::kOther:
      return "other";
    case Doing::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string_view doing_meaning(Doing doing) {
  switch (doing) {
    case Doing::kRunning:
      return "runs";
    case Doing::kReady:
      return "could run, has no CPU";
    case Doing::kThrottled:
      return "its cgroup's quota is used up";
    case Doing::kTimer:
      return "sleeps until its timer";
    case Doing::kDisk:
      return "waits for a disk";
    case Doing::kNet:
      return "waits for the network";
    case Doing::kTask:
      return "waits for another task";
    case Doing::kMemory:
      return "waits for memory";
    case Doing::kVmm:
      return "waits for its VMM";
    case Doing::kOther:
      return "stopped, or waits for a device of its own";
    case Doing::kUnknown:
      return "nothing tells what it did";
  }
  return "nothing tells what it did";
}

std::vector<WakeUp> wake_ups(const ExecutionGraph& graph) {
  std::vector<WakeUp> all;
  for (uint32_t to = 0; to < graph.chains.size(); to++)
    for (const auto& stretch : graph.chains[to])
      if (is_blocked(stretch.doing) && stretch.by != kNoWorker)
        all.push_back({stretch.wake_ns, stretch.by, to});
  std::ranges::stable_sort(all, {}, &WakeUp::ns);
  return all;
}

void add_host(ExecutionGraph& graph, ExecutionGraph other, uint32_t host) {
  const auto before = static_cast<uint32_t>(graph.workers.size());
  for (auto& worker : other.workers) {
    worker.host = host;
    graph.workers.push_back(worker);
  }
  for (auto& chain : other.chains) {
    for (auto& stretch : chain)
      if (stretch.by != kNoWorker) stretch.by += before;
    graph.chains.push_back(std::move(chain));
  }
  graph.begin_ns = std::min(graph.begin_ns, other.begin_ns);
  graph.end_ns = std::max(graph.end_ns, other.end_ns);
}

uint32_t main_worker(const ExecutionGraph& graph, VmKey vm, uint32_t host) {
  uint32_t best = kNoWorker;
  std::pair<bool, uint64_t> most;
  for (uint32_t i = 0; i < graph.workers.size(); i++) {
    const auto& worker = graph.workers[i];
    const bool is_process = worker.kind == WorkerKind::kProcess;
    if (worker.host != host || worker.vm != vm ||
        (!is_process && worker.kind != WorkerKind::kVcpu)) continue;
    const std::pair rank{is_process, wanted_ns(graph.chains[i])};
    if (best != kNoWorker && rank <= most) continue;
    best = i;
    most = rank;
  }
  return best;
}

}  // namespace vmflow
