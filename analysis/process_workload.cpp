// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/process_workload.h"

#include <algorithm>
#include <vector>

namespace vmflow {
namespace {

// In tests/agent/recorded/pipeline processes that wake one another do so for 9 tenths of their
// waits, daemons seem to be woken by others for 1 tenth; 3 wake-ups of 100 are chance.
constexpr uint64_t kFewestWakeups = 4;
constexpr double kLeastOfWaits = 1 / 3.0, kLeastOfMost = 0.1;
constexpr double kLeastOfTime = 0.1;  // of the guest's time, for a group that is no noise

uint64_t waited_for(const GuestProcess& process, WaitReason reason) {
  return process.wait_ns[static_cast<size_t>(reason)];
}

bool waits_for_others(const GuestProcess& process) {
  const auto others = static_cast<double>(waited_for(process, WaitReason::kTask));
  const auto timer = static_cast<double>(waited_for(process, WaitReason::kTimer));
  return others > 0 && others >= kLeastOfWaits * (others + timer);
}

uint64_t most_wakeups(const GuestProcess& process) {
  uint64_t most = 0;
  for (const auto& waker : process.wakers) most = std::max(most, waker.count);
  return most;
}

void keep_what_works(const VmProcesses& vm, ProcessRanks& ranks) {
  std::vector<uint64_t> group_ns(vm.processes.size());
  uint64_t all_ns = 0;
  for (size_t i = 0; i < vm.processes.size(); i++) {
    const auto ns = vm.processes[i].guest_ns() + vm.processes[i].nested_ns;
    group_ns[ranks.group[i]] += ns;
    all_ns += ns;
  }
  for (size_t i = 0; i < vm.processes.size(); i++)
    if (static_cast<double>(group_ns[ranks.group[i]]) > kLeastOfTime * static_cast<double>(all_ns))
      ranks.kept[i] = true;
}

}  // namespace

WakeGraph wake_graph(const VmProcesses& vm) {
  WakeGraph graph{.processes = static_cast<uint32_t>(vm.processes.size()), .edges = {}};
  for (uint32_t i = 0; i < graph.processes; i++) {
    const auto& process = vm.processes[i];
    if (!waits_for_others(process)) continue;
    const auto least = kLeastOfMost * static_cast<double>(most_wakeups(process));
    for (const auto& waker : process.wakers)
      if (waker.count >= kFewestWakeups && static_cast<double>(waker.count) >= least)
        graph.edges.push_back({.from = waker.process, .to = i, .count = waker.count});
  }
  return graph;
}

std::optional<ProcessRanks> rank_workload(const VmProcesses& vm) {
  const auto graph = wake_graph(vm);
  if (graph.edges.empty()) return std::nullopt;
  auto ranks = rank_processes(graph);
  keep_what_works(vm, ranks);
  return ranks;
}

ProcessWorkload process_workload(const VmProcesses& vm) {
  ProcessWorkload load;
  for (size_t i = 0; i < vm.processes.size(); i++) {
    if (vm.ranks && !vm.ranks->kept[i]) {
      load.left_out++;
      continue;
    }
    const auto& process = vm.processes[i];
    load.processes++;
    load.guest_ns += process.guest_ns();
    load.behind_ns += process.behind_ns;
    for (size_t reason = 0; reason < kWaitReasons; reason++)
      load.wait_ns[reason] += process.wait_ns[reason];
  }
  return load;
}

}  // namespace vmflow
