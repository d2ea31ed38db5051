// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/process_workload.h"

#include <vector>

namespace vmflow {
namespace {

constexpr uint64_t kFewestSwitches = 4;  // fewer are chance
constexpr double kLeastOfWakeups = 0.1;  // a daemon that once stood between two others is less
constexpr double kLeastOfTime = 0.1;     // of the guest's time, for a group that is no noise

uint64_t wakeups_of(const GuestProcess& process) {
  uint64_t count = 0;
  for (const auto& waker : process.wakers) count += waker.count;
  return count;
}

/// How many wake-ups `waker` is worth.
uint64_t told(const OtherProcess& waker, uint64_t wakeups) {
  const auto by_switch = waker.count - waker.by_interrupt;
  const bool is_chance =
      by_switch < kFewestSwitches ||
      static_cast<double>(by_switch) < kLeastOfWakeups * static_cast<double>(wakeups);
  return is_chance ? waker.by_interrupt : waker.count;
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
    const auto wakeups = wakeups_of(vm.processes[i]);
    for (const auto& waker : vm.processes[i].wakers)
      if (const auto count = told(waker, wakeups); count > 0)
        graph.edges.push_back({.from = waker.process, .to = i, .count = count});
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
