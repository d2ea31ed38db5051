// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/flow_names.h"

namespace vmflow {

StateName state_name(flow_state state) {
  switch (state) {
    case FLOW_GUEST:
      return {"guest", "in the guest"};
    case FLOW_GUEST_NESTED:
      return {"guest_nested", "in a guest of the guest"};
    case FLOW_KVM:
      return {"kvm", "in the host kernel between VM exit and VM entry"};
    case FLOW_VMM:
      return {"vmm", "in the VMM's user space, on a CPU"};
    case FLOW_HALT_POLL:
      return {"halt_poll", "idle: the host kernel spins in the hope of an early wake-up"};
    case FLOW_HALTED:
      return {"halted", "idle: asleep after HLT"};
    case FLOW_READY:
      return {"ready", "could run, has no CPU; the guest calls it steal"};
    case FLOW_THROTTLED:
      return {"throttled", "could run, its cgroup has used up its quota"};
    case FLOW_VMM_BLOCKED:
      return {"vmm_blocked", "asleep, but not in HLT: waits for the VMM or the host's memory"};
    case FLOW_PAUSED:
      return {"paused", "stopped by the VMM or a debugger"};
    case FLOW_UNKNOWN:
      break;
  }
  return {"unaccounted", "contradicts itself"};
}

std::string_view disk_op_name(flow_disk_op op) {
  switch (op) {
    case FLOW_DISK_READ:
      return "read";
    case FLOW_DISK_WRITE:
      return "write";
    case FLOW_DISK_OTHER:
    case FLOW_DISK_OPS:
      return "other";
  }
  return "other";
}

std::string_view block_name(flow_block block) {
  switch (block) {
    case FLOW_BLOCK_MEMORY:
      return "memory";
    case FLOW_BLOCK_IO:
      return "io";
    case FLOW_BLOCK_LOCK:
      return "lock";
    case FLOW_BLOCK_OTHER:
    case FLOW_BLOCKS:
      return "other";
  }
  return "other";
}

std::string_view culprit_name(flow_culprit culprit) {
  switch (culprit) {
    case FLOW_CULPRIT_OTHER_VM:
      return "other_vm";
    case FLOW_CULPRIT_OWN_VM:
      return "own_vm";
    case FLOW_CULPRIT_HOST_TASK:
      return "host_task";
    case FLOW_CULPRIT_KERNEL_THREAD:
      return "kernel_thread";
    case FLOW_CULPRIT_NONE:
      return "none";
    case FLOW_CULPRIT_IRQ:
      return "irq";
    case FLOW_CULPRIT_UNKNOWN:
    case FLOW_CULPRITS:
      return "unknown";
  }
  return "unknown";
}

bool is_preempter(flow_culprit culprit) {
  return culprit != FLOW_CULPRIT_IRQ && culprit != FLOW_CULPRIT_UNKNOWN;
}

std::string_view anomaly_name(flow_anomaly anomaly) {
  switch (anomaly) {
    case FLOW_CLOCK_BACKWARD:
      return "clock_backward";
    case FLOW_ENTRY_IN_GUEST:
      return "entry_in_guest";
    case FLOW_EXIT_IN_KVM:
      return "exit_in_kvm";
    case FLOW_MISSED_EVENT:
      return "missed_event";
    case FLOW_WAKEUP_MISSING:
      return "wakeup_missing";
    case FLOW_LEVEL_MISSED:
      return "level_missed";
    case FLOW_ANOMALIES:
      break;
  }
  return "unknown";
}

std::string_view loss_name(flow_loss loss) {
  switch (loss) {
    case FLOW_LOSS_NO_FREE_SLOT:
      return "no_free_slot";
    case FLOW_LOSS_NO_TASK_STORAGE:
      return "no_task_storage";
    case FLOW_LOSS_NO_VCPU_INDEX:
      return "no_vcpu_index";
    case FLOW_LOSS_UNREADABLE:
      return "unreadable";
    case FLOW_LOSS_CPU_OUT_OF_RANGE:
      return "cpu_out_of_range";
    case FLOW_LOSS_NO_WAITER_PLACE:
      return "no_waiter_place";
    case FLOW_LOSS_NO_BLAME:
      return "no_blame_entry";
    case FLOW_LOSS_NO_REQUEST:
      return "no_request_entry";
    case FLOW_LOSS_REQUEST_END:
      return "request_end";
    case FLOW_LOSS_NO_NESTED:
      return "no_nested_entry";
    case FLOW_LOSS_NO_DISK:
      return "no_disk_entry";
    case FLOW_LOSS_NO_TAP:
      return "no_tap_entry";
    case FLOW_LOSS_NO_WAKER:
      return "no_waker_entry";
    case FLOW_LOSS_NO_VM:
      return "no_vm_record";
    case FLOW_LOSS_UNKNOWN_VCPU:
      return "unknown_vcpu";
    case FLOW_LOSSES:
      break;
  }
  return "unknown";
}

std::string_view level_name(flow_level level) {
  switch (level) {
    case FLOW_L0:
      return "l0";
    case FLOW_L1:
      return "l1";
    case FLOW_L2:
      return "l2";
    case FLOW_LEVEL_REST:
    case FLOW_LEVELS:
      return "rest";
  }
  return "rest";
}

std::string_view kernel_detail_name(flow_detail detail) {
  switch (detail) {
    case FLOW_DETAIL_RECORDER:
      return "recorder";
    case FLOW_DETAIL_DURATIONS:
      return "durations";
    case FLOW_DETAIL_DEVICES:
      return "devices";
    case FLOW_DETAIL_CAUSES:
      return "causes";
    case FLOW_DETAILS:
      break;
  }
  return "unknown";
}

}  // namespace vmflow
