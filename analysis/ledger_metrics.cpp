// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: where the time of vCPUs goes, and what gone VMs have used.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/open_interval.h"

namespace vmflow {
namespace {

template <typename... First>
void add_states(SampleSink& samples, const std::array<uint64_t, FLOW_STATES>& state_ns,
                const First&... first) {
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    samples.add({first..., state_name(static_cast<flow_state>(state)).name},
                seconds(state_ns[state]));
}

void vm_vcpu_seconds(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) add_states(samples, vm.time.state_ns, vm.label);
}

void vcpu_seconds(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (const auto& vcpu : vm.per_vcpu)
      add_states(samples, vcpu.time.state_ns, vm.label, vcpu.vcpu_id);
}

void vm_open_wait(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t state = 0; state < FLOW_STATES; state++)
      if (is_wait(state))
        samples.add({vm.label, state_name(static_cast<flow_state>(state)).name},
                    seconds(vm.open_wait_ns[state]));
}

void vm_unaccounted(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return seconds(vm.time.unaccounted_ns); });
}

void vm_held_back(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return seconds(vm.time.held_back_ns); });
}

void departed_vms(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.departed.vms));
}

void departed_seconds(const FlowModel& model, SampleSink& samples) {
  add_states(samples, model.departed.time.state_ns);
}

void departed_unaccounted(const FlowModel& model, SampleSink& samples) {
  samples.add({}, seconds(model.departed.time.unaccounted_ns));
}

void departed_exits(const FlowModel& model, SampleSink& samples) {
  for (const auto& exit : model.departed.folded_exits)
    samples.add({exit.reason}, number(exit.count));
}

}  // namespace

std::vector<Metric> ledger_metrics() {
  return {
      {"vmflow_vm_vcpu_seconds_total",
       kCounter,
       {"vm", "state"},
       "Wall time of the VM's vCPUs by state; the states sum to the time since each vCPU's first "
       "event.",
       kMono,
       kSvmGuest,
       vm_vcpu_seconds},
      {"vmflow_vcpu_seconds_total",
       kCounter,
       {"vm", "vcpu", "state"},
       "Wall time of one vCPU by state. Only with --collector.vcpu.per-vcpu.",
       kMono,
       kSvmGuest,
       vcpu_seconds,
       MetricDetail::kPerVcpu},
      {"vmflow_vm_open_wait_seconds",
       kGauge,
       {"vm", "state"},
       "Part of the state that belongs to waits which have not ended: their cause is not known "
       "yet.",
       kMono,
       kExact,
       vm_open_wait,
       MetricDetail::kVmCauses},
      {"vmflow_vm_vcpu_unaccounted_seconds_total",
       kCounter,
       {"vm"},
       "Wall time that no state explains, because events contradict one another.",
       kMono,
       "itself the error of the ledger",
       vm_unaccounted},
      {"vmflow_vm_vcpu_held_back_seconds",
       kGauge,
       {"vm"},
       "Host time before halts that are not over: kernel work or polling, counted when KVM tells "
       "which.",
       kMono,
       kExact,
       vm_held_back},
      {"vmflow_departed_vms_total",
       kCounter,
       {},
       "VMs that were followed and are gone.",
       kAgent,
       kExact,
       departed_vms},
      {"vmflow_departed_vcpu_seconds_total",
       kCounter,
       {"state"},
       "Wall time that the vCPUs of gone VMs had used: with the live VMs a sum that never falls.",
       kMono,
       kSvmGuest,
       departed_seconds},
      {"vmflow_departed_vcpu_unaccounted_seconds_total",
       kCounter,
       {},
       "Unaccounted wall time of gone VMs.",
       kMono,
       "itself the error of the ledger",
       departed_unaccounted},
      {"vmflow_departed_exits_total",
       kCounter,
       {"reason"},
       "VM exits of gone VMs.",
       kEvents,
       kExact,
       departed_exits},
  };
}

}  // namespace vmflow
