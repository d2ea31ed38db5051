// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: VMs that run guests of their own. What each of those has had is the API's.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

constexpr std::string_view kDepth =
    "absent until the VM runs a guest, and on kernels before 6.1; L2 is all that runs below the "
    "VM: with a third "
    "level the guests of both, since the VM enters each as a guest of its own";

template <typename Read>
void per_vm_with_guests(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    if (vm.levels) samples.add({vm.label}, read(*vm.levels));
}

void nested_seconds(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t level = 0; vm.levels && level < FLOW_LEVEL_REST; level++)
      samples.add({vm.label, level_name(static_cast<flow_level>(level))},
                  seconds(vm.levels->level_ns[level]));
}

void nested_exits(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) {
    if (!vm.levels) continue;
    samples.add({vm.label, "l0"}, number(vm.levels->handled));
    samples.add({vm.label, "l1"}, number(vm.levels->reflected));
  }
}

void nested_entries(const FlowModel& model, SampleSink& samples) {
  per_vm_with_guests(model, samples, [](const NestedSums& sums) { return number(sums.entries); });
}

void nested_deeper(const FlowModel& model, SampleSink& samples) {
  per_vm_with_guests(model, samples, [](const NestedSums& sums) { return number(sums.deeper); });
}

}  // namespace

std::vector<Metric> nested_metrics() {
  return {
      {"vmflow_vm_nested_seconds_total",
       kCounter,
       {"vm", "level"},
       "CPU time that the VM's own guests take, by level: in them (l2, the state guest_nested), in "
       "the VM on their "
       "behalf (l1), in the host on their behalf (l0).",
       kMono,
       "absent until the VM runs a guest, and on kernels before 6.1; l1 is the VM's time from an "
       "exit that it gets "
       "until it enters the same VMCB12 or VMCS12, unless it halts or enters another in between: "
       "what it does for a "
       "guest elsewhere is not there; with a third level l2 is L2 and L3 together, and the VM's "
       "work for an L3 that "
       "follows an entry of L2's is not there",
       nested_seconds,
       MetricDetail::kVmDevices},
      {"vmflow_vm_nested_exits_total",
       kCounter,
       {"vm", "handled_by"},
       "Exits from the VM's own guests, each once: handled by the host (l0), or given to the VM "
       "(l1). They are in "
       "vmflow_vm_exits_total too.",
       kEvents,
       "absent until the VM runs a guest, and on kernels before 6.1; the present one is counted "
       "when it is handled; "
       "an exit of L3 that L2 gets is two or more of l1, as the VM enters L2 to tell it",
       nested_exits,
       MetricDetail::kVmDevices},
      {"vmflow_vm_nested_entries_total",
       kCounter,
       {"vm"},
       "VMRUN, VMLAUNCH and VMRESUME of the VM that the host carried out.",
       kEvents,
       kDepth,
       nested_entries,
       MetricDetail::kVmDevices},
      {"vmflow_vm_nested_deeper_entries_total",
       kCounter,
       {"vm"},
       "Exits given to the VM because a guest of it executed VMRUN, VMLAUNCH or VMRESUME: entries "
       "of a third level, or "
       "deeper.",
       kEvents,
       "absent until the VM runs a guest, and on kernels before 6.1; each entry of a fourth level "
       "is several",
       nested_deeper,
       MetricDetail::kVmDevices},
  };
}

}  // namespace vmflow
