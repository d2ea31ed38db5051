// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: VM exits, returns to the VMM, halt polling.
#include "analysis/exit_reason.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

template <typename Read>
void per_vm_and_exit(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    for (const auto& exit : vm.folded_exits)
      if (exit.count != 0) samples.add({vm.label, exit.reason}, read(exit));
}

void vm_exits(const FlowModel& model, SampleSink& samples) {
  per_vm_and_exit(model, samples, [](const ExitFlow& exit) { return number(exit.count); });
}

void vm_exit_seconds(const FlowModel& model, SampleSink& samples) {
  per_vm_and_exit(model, samples, [](const ExitFlow& exit) { return seconds(exit.ns); });
}

void vm_exit_duration(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) samples.add({vm.label}, histogram(vm.exit_durations));
}

void exit_duration(const FlowModel& model, SampleSink& samples) {
  for (uint32_t place = 0; place < model.exit_durations.size(); place++) {
    const auto reason = folded_exit_name(model.host.vendor, place);
    if (!reason.empty()) samples.add({reason}, histogram(model.exit_durations[place]));
  }
}

void vm_userspace_exits(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (const auto& exit : vm.userspace_exits)
      samples.add({vm.label, exit.name}, number(exit.count));
}

void halt_poll_success(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return seconds(vm.poll_success_ns); });
}

void halt_poll_fail(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return seconds(vm.poll_fail_ns); });
}

void halt_polls(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) {
    samples.add({vm.label, "success"}, number(vm.poll_success));
    samples.add({vm.label, "fail"}, number(vm.poll_fail));
  }
}

void halt_wakeups(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return number(vm.halt_wakeups); });
}

}  // namespace

std::vector<Metric> exit_metrics() {
  return {
      {"vmflow_vm_exits_total",
       kCounter,
       {"vm", "reason"},
       "VM exits by hardware reason: a fixed list for each vendor, the rest is other.",
       kEvents,
       "none; exits before the agent attached are not there; a reason is absent until the VM has "
       "such an exit",
       vm_exits,
       MetricDetail::kVmCauses},
      {"vmflow_vm_exit_seconds_total",
       kCounter,
       {"vm", "reason"},
       "Kernel and VMM time after VM exits, without halt polling, ready time and sleep.",
       kMono,
       "its sum over reasons is kvm + vmm since the first exit; a reason is absent until the VM "
       "has such an exit",
       vm_exit_seconds,
       MetricDetail::kVmCauses},
      {"vmflow_vm_exit_duration_seconds",
       kHistogram,
       {"vm"},
       "Handling time of VM exits until the next VM entry, without halt polling, ready time and "
       "sleep.",
       kMono,
       "bounds are powers of two of nanoseconds, counts are exact; the open exit is not in it",
       vm_exit_duration,
       MetricDetail::kVmSingles},
      {"vmflow_exit_duration_seconds",
       kHistogram,
       {"reason"},
       "Handling time of VM exits by reason, all VMs of the host since the agent attached.",
       kMono,
       "as vmflow_vm_exit_duration_seconds",
       exit_duration},
      {"vmflow_vm_userspace_exits_total",
       kCounter,
       {"vm", "reason"},
       "Returns of KVM_RUN to the VMM, by KVM_EXIT_* reason; error when KVM_RUN failed.",
       kEvents,
       "returns before the vCPU's first VM entry or exit are not there; a KVM_RUN interrupted by a "
       "signal "
       "counts as intr",
       vm_userspace_exits,
       MetricDetail::kVmDevices},
      {"vmflow_vm_halt_poll_success_seconds_total",
       kCounter,
       {"vm"},
       "Halt polling that ended with work for the vCPU.",
       kMono,
       "KVM's own halt_poll_success_ns where the kernel has it",
       halt_poll_success,
       MetricDetail::kVmCauses},
      {"vmflow_vm_halt_poll_fail_seconds_total",
       kCounter,
       {"vm"},
       "Halt polling in vain: the vCPU went to sleep after it.",
       kMono,
       "KVM's own halt_poll_fail_ns where the kernel has it",
       halt_poll_fail,
       MetricDetail::kVmCauses},
      {"vmflow_vm_halt_polls_total",
       kCounter,
       {"vm", "result"},
       "Halts with polling, by how it ended.",
       kEvents,
       kExact,
       halt_polls,
       MetricDetail::kVmSingles},
      {"vmflow_vm_halt_wakeups_total",
       kCounter,
       {"vm"},
       "Halts that ended because the vCPU had work.",
       kEvents,
       kExact,
       halt_wakeups,
       MetricDetail::kVmSingles},
  };
}

}  // namespace vmflow
