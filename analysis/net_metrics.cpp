// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: packets of VMs, and interrupts that they were given.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

constexpr std::string_view kNetBlind =
    "receive is what the VMM or vhost has read, absent until it has read a packet; transmit and "
    "what waits need a tap; absent over vhost-user, passthrough and user-mode networking; what XDP "
    "puts into a tap is not seen; of the host's first VM what it sent before it had received "
    "anything is missing; of several VMs in a process the first has them all";
constexpr std::string_view kInterruptsBlind =
    "a class is absent until the VM is given one; not what hardware delivers without KVM (posted "
    "interrupts, AVIC); interrupts injected again "
    "and "
    "soft ones are not accepted anew, so they never count; one that a VMM raises in another one's "
    "VM "
    "counts for the VM of the one that raises it; of several VMs in a process the first has them "
    "all";

template <typename Read>
void per_direction(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms) {
    if (!vm.net) continue;
    samples.add({vm.label, "receive"}, read(vm.net->received));
    if (vm.net->tap) samples.add({vm.label, "transmit"}, read(vm.net->tap->transmitted));
  }
}

template <typename Read>
void per_tap_vm(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& vm : model.vms)
    if (vm.net && vm.net->tap) samples.add({vm.label}, read(*vm.net->tap));
}

void net_packets(const FlowModel& model, SampleSink& samples) {
  per_direction(model, samples, [](const net_count& count) { return number(count.packets); });
}

void net_bytes(const FlowModel& model, SampleSink& samples) {
  per_direction(model, samples, [](const net_count& count) { return number(count.bytes); });
}

void net_waited(const FlowModel& model, SampleSink& samples) {
  per_tap_vm(model, samples, [](const NetFlow::Tap& tap) { return seconds(tap.waited_ns); });
}

void net_waiting(const FlowModel& model, SampleSink& samples) {
  per_tap_vm(model, samples, [](const NetFlow::Tap& tap) { return number(tap.waiting); });
}

void net_dropped(const FlowModel& model, SampleSink& samples) {
  per_tap_vm(model, samples, [](const NetFlow::Tap& tap) { return number(tap.dropped); });
}

std::string_view class_name(uint32_t reason) {
  return wait_reason_name(static_cast<WaitReason>(reason));
}

void interrupts(const FlowModel& model, SampleSink& samples) {
  for (const auto& vm : model.vms)
    for (uint32_t reason = 0; vm.interrupts && reason < kWaitReasons; reason++)
      if ((*vm.interrupts)[reason] != 0)
        samples.add({vm.label, class_name(reason)}, number((*vm.interrupts)[reason]));
}

void unattributed(const FlowModel& model, SampleSink& samples) {
  for (uint32_t reason = 0; reason < kWaitReasons; reason++)
    samples.add({class_name(reason)}, number(model.unattributed_interrupts[reason]));
}

}  // namespace

std::vector<Metric> net_metrics() {
  return {
      {"vmflow_vm_net_packets_total",
       kCounter,
       {"vm", "direction"},
       "Packets as the VM sees them: receive is from the host to the VM.",
       kEvents,
       kNetBlind,
       net_packets,
       MetricDetail::kVmDevices},
      {"vmflow_vm_net_bytes_total",
       kCounter,
       {"vm", "direction"},
       "Bytes of those packets, with their Ethernet headers.",
       kEvents,
       kNetBlind,
       net_bytes,
       MetricDetail::kVmDevices},
      {"vmflow_vm_net_wait_seconds_total",
       kCounter,
       {"vm"},
       "Time packets for the VM waited in its taps until its VMM or vhost read them, summed over "
       "packets.",
       kMono,
       kNetBlind,
       net_waited,
       MetricDetail::kVmDevices},
      {"vmflow_vm_net_packets_waiting",
       kGauge,
       {"vm"},
       "Packets for the VM that wait in its taps.",
       kNow,
       kNetBlind,
       net_waiting,
       MetricDetail::kVmDevices},
      {"vmflow_vm_net_drops_total",
       kCounter,
       {"vm"},
       "Packets for the VM that its taps did not take.",
       kEvents,
       kNetBlind,
       net_dropped,
       MetricDetail::kVmDevices},
      {"vmflow_vm_interrupts_total",
       kCounter,
       {"vm", "class"},
       "Interrupts that KVM has given to the VM's vCPUs, by the reason that a wait would have "
       "which "
       "each ends; those a vCPU gives to itself are among them.",
       kEvents,
       kInterruptsBlind,
       interrupts,
       MetricDetail::kVmSingles},
      {"vmflow_interrupts_unattributed_total",
       kCounter,
       {"class"},
       "Interrupts that KVM has given to a vCPU of which nothing tells the VM: out of an interrupt "
       "of the host, from a kernel worker, or from a process that runs no VM.",
       kEvents,
       kInterruptsBlind,
       unattributed},
  };
}

}  // namespace vmflow
