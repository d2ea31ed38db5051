// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/wait_reason.h"

namespace vmflow {

WaitReason wait_reason(flow_wake_kind evidence) {
  switch (evidence) {
    // KVM's timer for the vCPU, or its PIT. Blind: a timer that hardware keeps while the vCPU
    // sleeps.
    case FLOW_WAKE_OWN_INTERRUPT:
      return WaitReason::kTimer;
    // A sibling's interrupt. Blind: IPIs that AVIC or IPI virtualisation deliver without KVM.
    case FLOW_WAKE_IPI:
      return WaitReason::kTask;
    // A vhost worker's. Blind to which kind of vhost it is, and to vhost-user.
    case FLOW_WAKE_VHOST:
      return WaitReason::kNet;
    // Needs APF in the guest.
    case FLOW_WAKE_PAGE:
      return WaitReason::kMemory;
    // An irqfd signalled by an interrupt of the host. Blind: posted interrupts.
    case FLOW_WAKE_HARDIRQ_DEVICE:
      return WaitReason::kPassthrough;
    // The completion of a bio that the VMM has submitted, or a vector that was mostly about such.
    // Blind: page cache, vhost-user, passthrough.
    case FLOW_WAKE_VMM_DISK:
      return WaitReason::kDisk;
    // A packet that the thread has read from a tap. Blind: user-mode networking, what is only sent.
    case FLOW_WAKE_VMM_NET:
      return WaitReason::kNet;
    // A device that somebody emulates: a thread of the VMM, another process, KVM itself.
    case FLOW_WAKE_VMM:
    case FLOW_WAKE_FOREIGN:
    case FLOW_WAKE_KERNEL_WORKER:
      return WaitReason::kDevice;
    case FLOW_WAKE_BARE:
    case FLOW_WAKE_HARDIRQ:
    case FLOW_WAKE_KINDS:
      return WaitReason::kUnknown;
  }
  return WaitReason::kUnknown;
}

std::string_view wait_reason_name(WaitReason reason) {
  switch (reason) {
    case WaitReason::kTimer:
      return "timer";
    case WaitReason::kDisk:
      return "disk";
    case WaitReason::kNet:
      return "net";
    case WaitReason::kTask:
      return "task";
    case WaitReason::kMemory:
      return "memory";
    case WaitReason::kDevice:
      return "device";
    case WaitReason::kPassthrough:
      return "passthrough";
    case WaitReason::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace vmflow
