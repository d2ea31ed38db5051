// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: the disk requests of VMs.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

template <typename Read>
std::vector<Sample> per_disk_op(const FlowModel& model, Read read) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    for (uint32_t op = 0; vm.disk && op < FLOW_DISK_OPS; op++)
      samples.push_back(value({vm.label, std::string(disk_op_name(static_cast<flow_disk_op>(op)))},
                              read(vm.disk->done[op])));
  return samples;
}

std::vector<Sample> halted_io_pending(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    if (vm.disk) samples.push_back(value({vm.label, "disk"}, seconds(vm.disk->halted_ns)));
  return samples;
}

std::vector<Sample> disk_operations(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return number(count.operations); });
}

std::vector<Sample> disk_bytes(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return number(count.bytes); });
}

std::vector<Sample> disk_seconds(const FlowModel& model) {
  return per_disk_op(model, [](const disk_count& count) { return seconds(count.ns); });
}

std::vector<Sample> disk_in_flight(const FlowModel& model) {
  std::vector<Sample> samples;
  for (const auto& vm : model.vms)
    if (vm.disk) samples.push_back(value({vm.label}, number(vm.disk->in_flight)));
  return samples;
}

}  // namespace

std::vector<Metric> io_metrics() {
  return {
      {"vmflow_vm_halted_io_pending_seconds_total",
       kCounter,
       {"vm", "kind"},
       "Halted time in which at least one of the VM's own requests was in flight, whatever ended "
       "it.",
       kMono,
       kDiskBlind,
       halted_io_pending},
      {"vmflow_vm_disk_operations_total",
       kCounter,
       {"vm", "op"},
       "Disk requests of the VM's process that the host has completed.",
       kEvents,
       kDiskBlind,
       disk_operations},
      {"vmflow_vm_disk_bytes_total",
       kCounter,
       {"vm", "op"},
       "Bytes of those requests.",
       kEvents,
       kDiskBlind,
       disk_bytes},
      {"vmflow_vm_disk_seconds_total",
       kCounter,
       {"vm", "op"},
       "Time of those requests from the block layer's entry to completion, summed over requests.",
       kMono,
       kDiskBlind,
       disk_seconds},
      {"vmflow_vm_disk_requests_in_flight",
       kGauge,
       {"vm"},
       "Requests of the VM's process that the host has not completed.",
       kNow,
       kDiskBlind,
       disk_in_flight},
  };
}

}  // namespace vmflow
