// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: where the time of vCPUs goes, and what gone VMs have used.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/open_interval.h"

namespace vmflow {
namespace {

void add_states(std::vector<Sample>& samples, const std::vector<std::string>& labels,
                const std::array<uint64_t, FLOW_STATES>& state_ns, bool waits_only = false) {
  for (uint32_t state = 0; state < FLOW_STATES; state++) {
    if (waits_only && !is_wait(state)) continue;
    auto with_state = labels;
    with_state.emplace_back(state_name(static_cast<flow_state>(state)).name);
    samples.push_back(value(std::move(with_state), seconds(state_ns[state])));
  }
}

std::vector<Sample> vm_vcpu_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) add_states(samples, {vm.label}, vm.time.state_ns);
  return samples;
}

std::vector<Sample> vcpu_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (const auto& vcpu : vm.per_vcpu)
      add_states(samples, {vm.label, std::to_string(vcpu.vcpu_id)}, vcpu.time.state_ns);
  return samples;
}

std::vector<Sample> vm_open_wait(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms) add_states(samples, {vm.label}, vm.open_wait_ns, true);
  return samples;
}

std::vector<Sample> vm_unaccounted(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.time.unaccounted_ns); });
}

std::vector<Sample> vm_held_back(const FlowModel& model) {
  return per_vm(model, [](const VmFlow& vm) { return seconds(vm.time.held_back_ns); });
}

std::vector<Sample> departed_vms(const FlowModel& model) {
  return one(number(model.departed.vms));
}

std::vector<Sample> departed_seconds(const FlowModel& model) {
  std::vector<Sample> samples;
  add_states(samples, {}, model.departed.time.state_ns);
  return samples;
}

std::vector<Sample> departed_unaccounted(const FlowModel& model) {
  return one(seconds(model.departed.time.unaccounted_ns));
}

std::vector<Sample> departed_exits(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& exit : model.departed.folded_exits)
    samples.push_back(value({exit.reason}, number(exit.count)));
  return samples;
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
