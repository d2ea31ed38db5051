// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: the disk requests of VMs, and what they wait for.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

constexpr std::string_view kIoPendingBlind =
    "disk is absent until the host sees a request, net until the VMM or vhost has read a packet "
    "from "
    "a tap: not over vhost-user, macvtap, passthrough or user-mode networking; reads from the page "
    "cache are no requests; of several VMs in a process the first has them all";
constexpr std::string_view kContentionBlind =
    "as of the VM's last request; a disk that serves several requests at once would have made it "
    "wait less; a logical volume is the disk below it once it has handed a request there, but a "
    "disk "
    "of its own if it is spread over several or hands on from the kernel's threads (dm-crypt, RAID "
    "5) "
    "without saying from which device; absent like the requests";
constexpr std::string_view kThrottleBlind =
    "limits of the VM's own disk only, not of one below a logical volume; 0 on a kernel that lets "
    "no function be hooked: there a request is lost that io.max holds back; absent like the "
    "requests";

template <typename Read>
void per_disk_op(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    for (uint32_t op = 0; vm.disk && op < FLOW_DISK_OPS; op++)
      if (vm.disk->done[op].operations != 0)
        samples.add({vm.label, disk_op_name(static_cast<flow_disk_op>(op))},
                    read(vm.disk->done[op]));
}

void halted_io_pending(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms) {
    if (vm.disk) samples.add({vm.label, "disk"}, seconds(vm.disk->halted_ns));
    if (vm.net && vm.net->tap) samples.add({vm.label, "net"}, seconds(vm.net->tap->halted_ns));
  }
}

void disk_operations(const FlowModel& model, SampleSink& samples) {
  per_disk_op(model, samples, [](const disk_count& count) { return number(count.operations); });
}

void disk_bytes(const FlowModel& model, SampleSink& samples) {
  per_disk_op(model, samples, [](const disk_count& count) { return number(count.bytes); });
}

void disk_seconds(const FlowModel& model, SampleSink& samples) {
  per_disk_op(model, samples, [](const disk_count& count) { return seconds(count.ns); });
}

template <typename Read>
void per_disk_vm(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    if (vm.disk) samples.add({vm.label}, read(*vm.disk));
}

void disk_in_flight(const FlowModel& model, SampleSink& samples) {
  per_disk_vm(model, samples, [](const DiskFlow& disk) { return number(disk.in_flight); });
}

void disk_contended(const FlowModel& model, SampleSink& samples) {
  per_disk_vm(model, samples, [](const DiskFlow& disk) { return seconds(disk.contended_ns); });
}

void disk_waited(const FlowModel& model, SampleSink& samples) {
  per_disk_vm(model, samples, [](const DiskFlow& disk) { return seconds(disk.waited_ns); });
}

void disk_held(const FlowModel& model, SampleSink& samples) {
  per_disk_vm(model, samples, [](const DiskFlow& disk) { return seconds(disk.held_ns); });
}

}  // namespace

std::vector<Metric> io_metrics() {
  return {
      {"vmflow_vm_halted_io_pending_seconds_total",
       kCounter,
       {"vm", "kind"},
       "Halted time in which at least one of the VM's own disk requests was in flight, or at least "
       "one packet for it waited in its tap, whatever ended it.",
       kMono,
       kIoPendingBlind,
       halted_io_pending,
       MetricDetail::kVmCauses},
      {"vmflow_vm_disk_operations_total",
       kCounter,
       {"vm", "op"},
       "Disk requests of the VM's process that the host has completed.",
       kEvents,
       kDiskBlind,
       disk_operations,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_bytes_total",
       kCounter,
       {"vm", "op"},
       "Bytes of those requests.",
       kEvents,
       kDiskBlind,
       disk_bytes,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_seconds_total",
       kCounter,
       {"vm", "op"},
       "Time of those requests from the block layer's entry to completion, summed over requests.",
       kMono,
       kDiskBlind,
       disk_seconds,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_requests_in_flight",
       kGauge,
       {"vm"},
       "Requests of the VM's process that the host has not completed.",
       kNow,
       kDiskBlind,
       disk_in_flight,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_contended_seconds_total",
       kCounter,
       {"vm"},
       "Time in which the VM had a request in flight while another VM had one in flight on the "
       "same "
       "disk, summed over disks.",
       kMono,
       kContentionBlind,
       disk_contended,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_wait_for_others_seconds_total",
       kCounter,
       {"vm"},
       "Part of the time of the VM's requests, summed over requests, in which the disk served "
       "other "
       "VMs: between two completions a disk's time is that of the request which completes next.",
       kMono,
       kContentionBlind,
       disk_waited,
       MetricDetail::kVmDevices},
      {"vmflow_vm_disk_throttled_seconds_total",
       kCounter,
       {"vm"},
       "Part of the time of the VM's requests, summed over requests, in which its cgroup's io.max "
       "held them back.",
       kMono,
       kThrottleBlind,
       disk_held,
       MetricDetail::kVmDevices},
  };
}

}  // namespace vmflow
