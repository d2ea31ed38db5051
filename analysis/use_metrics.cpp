// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: does a VM do anything.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

void vm_idle(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    if (vm.use.kind != VmUseKind::kUnknown)
      samples.add({vm.label}, vm.use.kind == VmUseKind::kIdle ? 1.0 : 0.0);
}

}  // namespace

std::vector<Metric> use_metrics() {
  return {
      {"vmflow_vm_idle",
       kGauge,
       {"vm"},
       "1 if the VM has done nothing in the last five minutes but keep itself alive: little CPU "
       "time, timers, next to no disk requests, packets, interrupts of devices or between its "
       "vCPUs; 0 if it has done more.",
       kNow,
       "absent until the VM was seen for that long (--idle.window-seconds), and while it is "
       "stopped; what the host does not see of it (packets of passthrough devices, reads from the "
       "page cache) is told by its CPU time and its interrupts alone; ten packets a second that a "
       "VM receives are not its doing, unless nothing tells what it sends",
       vm_idle,
       MetricDetail::kVmCauses},
  };
}

}  // namespace vmflow
