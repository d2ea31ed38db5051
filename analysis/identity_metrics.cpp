// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: which VMs there are, and on what host.
#include "analysis/exit_reason.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

// Said in the texts below.
static_assert(kMostLabelBytes == 256);

void vm_info(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) {
    std::vector<LabelValue> labels = {vm.label, vm.name, vm.uuid, vm.vmm, vm.pid};
    for (const auto& field : kGivenNames) labels.push_back(vm.names.*field.text);
    samples.take(labels, 1.0);
  }
}

std::vector<std::string_view> vm_info_labels() {
  std::vector<std::string_view> labels = {"vm", "name", "uuid", "vmm", "pid"};
  for (const auto& field : kGivenNames) labels.push_back(field.label);
  return labels;
}

void vm_vcpus(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return number(vm.vcpus); });
}

void vm_start_time(const FlowModel& model, SampleSink& samples) {
  per_vm(model, samples, [](const VmFlow& vm) { return vm.start_time_unix_seconds; });
}

void vms(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.vms.size()));
}

void host_info(const FlowModel& model, SampleSink& samples) {
  const auto& host = model.host;
  samples.add({host.arch, vendor_name(host.vendor), host.exit_source, host.kernel}, 1.0);
}

void vcpu_info(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (const auto& vcpu : vm.per_vcpu)
      if (vcpu.tid != 0) samples.add({vm.label, vcpu.vcpu_id, vcpu.tid}, 1.0);
}

}  // namespace

std::vector<Metric> identity_metrics() {
  return {
      {"vmflow_vm_info",
       kGauge,
       vm_info_labels(),
       "Always 1; what is known of a VM by name. Join it by the label vm.",
       kNow,
       "a name that cannot be read is empty, and a label after pid is absent; title, openstack_* "
       "and kubevirt_* are as old as vmflow_libvirt_answer_age_seconds says; pod_uid, vmid and "
       "machine are hints from the cgroup's name; text is cut at 256 bytes, control characters and "
       "bytes that are no UTF-8 are replaced",
       vm_info,
       MetricDetail::kAlways,
       {},
       5},
      {"vmflow_vm_vcpus",
       kGauge,
       {"vm"},
       "vCPUs of the VM whose threads live and have run.",
       kNow,
       "a vCPU that has had no event since the agent started, and was not in KVM_RUN then, is "
       "missing",
       vm_vcpus},
      {"vmflow_vm_start_time_seconds",
       kGauge,
       {"vm"},
       "Start of the VMM process since the epoch; the VM's counters start later when the agent "
       "does.",
       kWall,
       "one clock tick (10 ms)",
       vm_start_time},
      {"vmflow_vms", kGauge, {}, "VMs followed now.", kNow, kExact, vms},
      {"vmflow_host_info",
       kGauge,
       {"arch", "vendor", "kvm_exit_source", "kernel"},
       "Always 1; the host's KVM and where exit codes are read from.",
       kNow,
       kExact,
       host_info},
      {"vmflow_vcpu_info",
       kGauge,
       {"vm", "vcpu", "tid"},
       "Always 1; the host thread of a vCPU. Only with --collector.vcpu.per-vcpu.",
       kNow,
       "a vCPU is known from its first event, or from the agent's start if it was in KVM_RUN then",
       vcpu_info,
       MetricDetail::kPerVcpu},
  };
}

}  // namespace vmflow
