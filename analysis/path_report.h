// SPDX-License-Identifier: GPL-2.0-only
// Critical paths with the names that a reader knows, and the sentence about each.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/critical_path.h"
#include "analysis/flow_model.h"

namespace vmflow {

/// A worker that a path goes over. Shape: `vm` is a label, empty if it works for none.
struct ReportWorker {
  WorkerKind kind = WorkerKind::kHostTask;
  std::string name;  ///< "vCPU 0 of web", "backup (tid 77)"
  std::string vm;
  std::string vm_name;
  uint32_t vcpu_id = 0;
  uint32_t tid = 0;
};

/// Shape: the places in `path` are those of `workers`, of which it has no others than it needs; the
/// worker that the path is of comes first.
struct ReportPath {
  std::string sentence;
  std::vector<ReportWorker> workers;
  CriticalPath path;
};

/// What a VM of the trace is called. Shape: `shown` has the host's name too if there are several.
struct VmName {
  std::string label;
  std::string name;
  std::string shown;
};
/// Shape: `vms` are by host, as Worker::host, and process; `hosts` has no names if there is one.
struct VmNames {
  std::map<std::pair<uint32_t, uint32_t>, VmName> vms;
  std::vector<std::string> hosts = {};
};
VmNames vm_names(const FlowModel& model);

/// The names of several hosts, each as vm_names() says.
VmNames joined_names(std::vector<VmNames> each, std::vector<std::string> hosts);

/// The critical path of a worker over the graph's window, or another one.
ReportPath report_path(const ExecutionGraph& graph, uint32_t worker, const VmNames& names);
ReportPath report_path(const ExecutionGraph& graph, uint32_t worker, const VmNames& names,
                       uint64_t begin_ns, uint64_t end_ns);

/// "running at L1", "ready behind backup (tid 77)", "disk".
std::string part_text(const ReportPath& path, const PathPart& part);

/// The first worker that a user may mean: "VM/vcpu0" and "VM/cr3:1a2b3000", where VM is a label, a
/// name or a process, "cr3:1a2b3000", a thread. kNoWorker: there is none.
uint32_t find_worker(const ExecutionGraph& graph, const VmNames& names, std::string_view text);

/// What find_worker() takes, of the workers that did most; not of all if they are many.
std::string workers_text(const ExecutionGraph& graph, const VmNames& names);

}  // namespace vmflow
