// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/crosscheck_scope.h"

#include <algorithm>

namespace vmflow {
namespace {

constexpr const char* kWakeNames[FLOW_WAKE_KINDS] = {
    "bare",          "hardirq", "own_interrupt",  "ipi", "vmm", "vmm_disk", "vmm_net", "vhost",
    "kernel_worker", "foreign", "hardirq_device", "page"};

constexpr uint32_t kOfDevices[] = {FLOW_WAKE_VMM, FLOW_WAKE_VMM_DISK, FLOW_WAKE_VMM_NET,
                                   FLOW_WAKE_FOREIGN};

std::vector<ComparedGroup> compared_host(const ReplayVocabulary& told) {
  if (!told.runs && !told.halt_ends)
    return {{"kvm, vmm and halt_poll", {FLOW_KVM, FLOW_VMM, FLOW_HALT_POLL}}};
  if (!told.runs) return {{"kvm and vmm", {FLOW_KVM, FLOW_VMM}}, {"halt_poll", {FLOW_HALT_POLL}}};
  if (!told.halt_ends)
    return {{"kvm and halt_poll", {FLOW_KVM, FLOW_HALT_POLL}}, {"vmm", {FLOW_VMM}}};
  return {{"kvm", {FLOW_KVM}}, {"vmm", {FLOW_VMM}}, {"halt_poll", {FLOW_HALT_POLL}}};
}

std::vector<ComparedGroup> compared_sleep(const ReplayVocabulary& told) {
  if (!told.outs)
    return {{"halted, vmm_blocked and paused", {FLOW_HALTED, FLOW_VMM_BLOCKED, FLOW_PAUSED}}};
  return {
      {"halted", {FLOW_HALTED}}, {"vmm_blocked", {FLOW_VMM_BLOCKED}}, {"paused", {FLOW_PAUSED}}};
}

}  // namespace

std::vector<ComparedGroup> compared_states(const ReplayVocabulary& told) {
  std::vector<ComparedGroup> groups = {{"guest", {FLOW_GUEST}},
                                       {"guest_nested", {FLOW_GUEST_NESTED}},
                                       {"ready and throttled", {FLOW_READY, FLOW_THROTTLED}},
                                       {"unaccounted", {FLOW_UNKNOWN}}};
  for (const auto& group : compared_host(told)) groups.push_back(group);
  for (const auto& group : compared_sleep(told)) groups.push_back(group);
  return groups;
}

std::vector<ComparedGroup> compared_waits(const ReplayVocabulary& told) {
  std::vector<ComparedGroup> groups;
  if (!told.outs) return groups;
  ComparedGroup devices{"vmm, vmm_disk, vmm_net and foreign",
                        {std::begin(kOfDevices), std::end(kOfDevices)}};
  ComparedGroup all{"all", {}};
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++) {
    all.members.push_back(kind);
    if (told.wakes || std::ranges::find(kOfDevices, kind) == std::end(kOfDevices))
      groups.push_back({kWakeNames[kind], {kind}});
  }
  if (told.wakes) return groups;
  if (!told.irqs) return {all};
  groups.push_back(devices);
  return groups;
}

std::vector<std::string> left_out_of(const ReplayVocabulary& told, const TraceLosses& losses) {
  std::vector<std::string> left_out = {
      "ready and throttled are compared as one: a trace does not tell when a quota is there "
      "again."};
  if (!told.runs)
    left_out.push_back("kvm and vmm are compared as one: no event tells when KVM_RUN is entered.");
  if (!told.halt_ends)
    left_out.push_back(
        "halt_poll is compared as one with kvm, and time after HLT exits is not compared: no event "
        "tells how long KVM has polled.");
  if (!told.outs)
    left_out.push_back(
        "halted, vmm_blocked and paused are compared as one, and waits are not compared: no event "
        "tells which sleep was a halt.");
  else if (!told.wakes && told.irqs)
    left_out.push_back(
        "Waits for disks, networks and other devices of the VMM are compared as one: no event "
        "tells what an interrupt was about.");
  else if (!told.wakes)
    left_out.push_back(
        "Waits are compared without their reasons: no event tells the host's own interrupts.");
  if (losses.events != 0 || losses.packets != 0)
    left_out.push_back("The trace lost " + std::to_string(losses.events) + " events and " +
                       std::to_string(losses.packets) +
                       " packets: nothing is left out for them, what they held disagrees.");
  return left_out;
}

}  // namespace vmflow
