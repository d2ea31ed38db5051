// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/slowdown.h"

namespace vmflow {
namespace {

void vm_slowdown(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) {
    const auto causes = by_cause(vm.slowdown.total_ns);
    for (uint32_t cause = 1; cause < kCauses; cause++)
      samples.add({vm.label, cause_label(static_cast<Cause>(cause))}, seconds(causes[cause]));
  }
}

}  // namespace

std::vector<Metric> slowdown_metrics() {
  return {
      {"vmflow_vm_slowdown_seconds_total",
       kCounter,
       {"vm", "cause"},
       "vCPU time that the VM lost, or was limited by itself, by cause: its own load, contention "
       "between its processes, co-located VMs, the platform, or unknown.",
       kMono,
       "judged once a second; waits that have ended; its own load, but for exit storms, and "
       "contention inside it are unknown unless --trace.registers tells its processes",
       vm_slowdown,
       MetricDetail::kVmCauses},
  };
}

}  // namespace vmflow
