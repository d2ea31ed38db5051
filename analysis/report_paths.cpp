// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/report_paths.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/amount_text.h"

namespace vmflow {
namespace {

// Of all VMs; a path may be as long as all that was kept of the trace.
constexpr uint64_t kMostPathStretches = 2'000'000;

uint32_t host_of(const VmNames& names, const std::string& host) {
  const auto known = std::ranges::find(names.hosts, host);
  return known == names.hosts.end() ? 0 : static_cast<uint32_t>(known - names.hosts.begin());
}

uint32_t main_worker_of(const ExecutionGraph& graph, uint32_t host, uint32_t process) {
  const auto any = std::ranges::find_if(graph.workers, [&](const Worker& worker) {
    return worker.host == host && worker.vm.tgid == process;
  });
  return any == graph.workers.end() ? kNoWorker : main_worker(graph, any->vm, host);
}

ReportPath path_of(const JoinedGraph& joined, uint32_t worker, const VmNames& names) {
  const auto& window = joined.windows[joined.graph.workers[worker].host];
  return report_path(joined.graph, worker, names, window.begin_ns, window.end_ns);
}

}  // namespace

std::optional<std::string> add_paths(TraceReport& report, const JoinedGraph& joined,
                                     const std::string& worker) {
  uint64_t kept = 0, without = 0;
  for (auto& vm : report.vms) {
    const auto main = main_worker_of(joined.graph, host_of(report.names, vm.host), vm.flow.pid);
    if (main == kNoWorker) continue;
    if (kept >= kMostPathStretches) {
      without++;
      continue;
    }
    vm.path = path_of(joined, main, report.names);
    kept += vm.path->path.stretches.size();
  }
  if (without > 0)
    report.missing.push_back({fmt::format("critical paths of {}", counted_text(without, "VM")),
                              "those of the others are as long as can be kept"});
  if (report.names.hosts.size() > 1 && joined.crossings == 0)
    report.missing.push_back(
        {"critical paths that go from one host to another",
         "no packet of another host woke a thread of a VM whose sleep is told: that takes accurate "
         "clocks, and LTTng's trace, which tells of threads that are no vCPUs"});
  if (worker.empty()) return std::nullopt;
  const auto chosen = find_worker(joined.graph, report.names, worker);
  if (chosen == kNoWorker) return workers_text(joined.graph, report.names);
  report.path = path_of(joined, chosen, report.names);
  return std::nullopt;
}

}  // namespace vmflow
