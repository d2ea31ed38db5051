// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// In which level of a nested stack a vCPU is, and whose time that is: a second book beside the ledger, kept by the
// vCPU's own events only. Common subset of C and C++20, like vcpu_flow.h.
//
//   NONE ──nested entry──► L2 ──exit given to L1──► PENDING ──entry of the same VMCB12──► L2
//                                                   PENDING ──HLT of L1, another VMCB12──► what was pending is L1's own
//
// L0 is the host, L1 our VM, L2 whatever runs under a VMCB12 or VMCS12 of its own: deeper levels look like that to
// L0 too. Time is not taken twice: the ledger's sums are dealt out as far as they have grown since the last step.
#ifndef VMFLOW_BPF_NESTED_FLOW_H
#define VMFLOW_BPF_NESTED_FLOW_H

#include "vcpu_flow.h"

/// Whose a vCPU's time is. The first three belong to nested VMs, FLOW_LEVEL_REST to L1 alone or to nobody.
enum flow_level { FLOW_L0, FLOW_L1, FLOW_L2, FLOW_LEVEL_REST, FLOW_LEVELS };

/// What becomes of time from now on.
enum nested_route {
  NESTED_NONE,    ///< L1 runs for itself
  NESTED_L2,      ///< from the entry of a VMCB12 until an exit is given to L1: guest time is L2's, host time L0's
  NESTED_PENDING, ///< after that: L1 may be at work for L2; shown when the same VMCB12 is entered again
};

/// No VMCB12 is known: the vCPU was in L2 before its first event.
#define NESTED_UNTOLD (~0ull)

/// One vCPU. Writer: its own events. Units: nanoseconds and counts.
struct nested_flow {
  __u64 vmcb12;       ///< address, for L1, of the VMCB12 (VMCS12) entered last
  __u64 host_ns;      ///< of the ledger's sums, what has been dealt out
  __u64 guest_ns;
  __u64 nested_ns;
  __u64 other_ns;
  __u64 pending_l0_ns;
  __u64 pending_l1_ns;
  __u64 level_ns[FLOW_LEVELS];
  __u64 entries;   ///< VMRUN, VMLAUNCH, VMRESUME of L1
  __u64 handled;   ///< exits from L2 after which L0 entered L2 again
  __u64 reflected; ///< exits from L2 that L0 gave to L1
  __u64 deeper;    ///< of these, VMRUN, VMLAUNCH, VMRESUME: L2 has entered a guest of its own
  __u32 route;     ///< enum nested_route
  __u32 open_exit; ///< exit index plus 1 of an exit from L2 that neither level has handled yet; 0: none
  __u32 is_told;   ///< since the last entry an event has said that the vCPU is in L2
  __u32 pad;
};

/// What a step adds to the record of the nested vCPU in whose name it was dealt out.
struct nested_credit {
  __u64 l0_ns;
  __u64 l1_ns;
  __u64 l2_ns;
};

/// Source: SVM_EXIT_VMRUN of asm/svm.h; EXIT_REASON_VMLAUNCH, EXIT_REASON_VMRESUME of asm/vmx.h.
FLOW_FN __u32 nested_runs_a_guest(__u32 is_vmx, __u32 exit_index) {
  return is_vmx ? exit_index == 20 || exit_index == 24 : exit_index == 0x80;
}

FLOW_FN __u64 nested_other(const __u64 *ns) {
  return ns[FLOW_HALT_POLL] + ns[FLOW_HALTED] + ns[FLOW_READY] + ns[FLOW_THROTTLED] + ns[FLOW_VMM_BLOCKED] +
         ns[FLOW_PAUSED] + ns[FLOW_UNKNOWN];
}

/// Deals out what the ledger's sums `ns` have grown by.
/// Shape: level_ns and what is pending together are the sum of `ns`, after every step.
FLOW_FN struct nested_credit nested_deal(struct nested_flow *n, const __u64 *ns) {
  struct nested_credit credit = {0, 0, 0};
  __u64 host = ns[FLOW_KVM] + ns[FLOW_VMM], other = nested_other(ns);
  __u64 host_ns = host - n->host_ns, other_ns = other - n->other_ns;
  __u64 guest_ns = ns[FLOW_GUEST] - n->guest_ns, nested_ns = ns[FLOW_GUEST_NESTED] - n->nested_ns;
  n->host_ns = host;
  n->other_ns = other;
  n->guest_ns = ns[FLOW_GUEST];
  n->nested_ns = ns[FLOW_GUEST_NESTED];
  n->level_ns[FLOW_L2] += nested_ns;
  n->level_ns[FLOW_LEVEL_REST] += other_ns;
  credit.l2_ns = nested_ns;
  if (n->route == NESTED_PENDING) {
    n->pending_l0_ns += host_ns;
    n->pending_l1_ns += guest_ns;
    return credit;
  }
  n->level_ns[FLOW_LEVEL_REST] += guest_ns;
  if (n->route == NESTED_L2) {
    n->level_ns[FLOW_L0] += host_ns;
    credit.l0_ns = host_ns;
  } else {
    n->level_ns[FLOW_LEVEL_REST] += host_ns;
  }
  return credit;
}

/// L1 was not at work for L2.
FLOW_FN void nested_drop_pending(struct nested_flow *n) {
  n->level_ns[FLOW_LEVEL_REST] += n->pending_l0_ns + n->pending_l1_ns;
  n->pending_l0_ns = n->pending_l1_ns = 0;
}

/// It was.
FLOW_FN void nested_commit_pending(struct nested_flow *n, struct nested_credit *credit) {
  n->level_ns[FLOW_L0] += n->pending_l0_ns;
  n->level_ns[FLOW_L1] += n->pending_l1_ns;
  credit->l0_ns += n->pending_l0_ns;
  credit->l1_ns += n->pending_l1_ns;
  n->pending_l0_ns = n->pending_l1_ns = 0;
}

/// kvm_nested_vmenter: L1 has executed VMRUN (VMLAUNCH, VMRESUME), and KVM is about to enter L2. The time since that
/// exit is not in the sums yet: it is the nested VM's L0.
/// Shape:  returns what `vmcb12` gains.
/// Errors: if the end of the last L2 was missed, that exit was given to L1 under its own reason; what its VMCB12
///         would gain reaches the vCPU's sums alone.
FLOW_FN struct nested_credit nested_enter(struct nested_flow *n, struct vcpu_flow *f, __u64 vmcb12) {
  struct nested_credit credit = nested_deal(n, f->ns);
  __u32 is_same = n->vmcb12 == vmcb12;
  if (n->route == NESTED_L2) {
    f->anomaly[FLOW_LEVEL_MISSED]++;
    n->reflected += n->open_exit != 0;
  }
  if (is_same)
    nested_commit_pending(n, &credit);
  else
    nested_drop_pending(n);
  if (!is_same) credit.l0_ns = credit.l1_ns = credit.l2_ns = 0;
  n->vmcb12 = vmcb12;
  n->entries++;
  n->route = NESTED_L2;
  n->open_exit = 0;
  n->is_told = 1;
  f->guest_state = FLOW_GUEST_NESTED;
  return credit;
}

/// The exit from L2 that is settled by entering L2 again: its exit index, FLOW_EXIT_NONE if there is none.
FLOW_FN __u32 nested_settle_handled(struct nested_flow *n) {
  __u32 open = n->open_exit;
  n->open_exit = 0;
  if (!open) return FLOW_EXIT_NONE;
  n->handled++;
  return open - 1;
}

/// kvm_nested_vmexit: the exit that kvm_exit has just told came from L2.
/// Shape: returns the index of the exit before it, if nobody has told what became of that: L0 handled it.
FLOW_FN __u32 nested_exit(struct nested_flow *n, struct vcpu_flow *f) {
  __u32 handled = nested_settle_handled(n), index = f->exit_index;
  n->is_told = 1;
  if (index < FLOW_EXIT_CODES) n->open_exit = index + 1;
  if (f->guest_state == FLOW_GUEST_NESTED) return handled;
  // Not an anomaly if it was in L2 before vmflow saw it.
  if (n->entries) f->anomaly[FLOW_LEVEL_MISSED]++;
  nested_deal(n, f->ns);
  nested_drop_pending(n);
  n->vmcb12 = NESTED_UNTOLD;
  n->route = NESTED_L2;
  f->guest_state = FLOW_GUEST_NESTED;
  return handled;
}

/// kvm_nested_vmexit_inject: KVM gives an exit, with exit index `index`, to L1, which runs next.
/// Shape: returns what n->vmcb12 gains; `*counts` is 1 if an exit from L2 is settled by this, 0 if L2 was not entered.
FLOW_FN struct nested_credit nested_reflect(struct nested_flow *n, struct vcpu_flow *f, __u64 now_ns, __u32 is_vmx,
                                            __u32 index, __u32 *counts) {
  struct nested_credit credit = {0, 0, 0};
  *counts = 0;
  if (f->guest_state != FLOW_GUEST_NESTED) return credit;
  // Until now L0 was at work for L2. A HLT of L2 does not halt this vCPU if L1 gets it.
  if (flow_on_host_cpu(f)) {
    flow_release_held(f);
    flow_add_host(f, f->state, flow_elapse(f, now_ns));
  }
  credit = nested_deal(n, f->ns);
  *counts = n->open_exit || !n->is_told;
  n->reflected += *counts;
  n->deeper += *counts && nested_runs_a_guest(is_vmx, index);
  n->open_exit = 0;
  n->route = NESTED_PENDING;
  f->guest_state = FLOW_GUEST;
  return credit;
}

/// L1 has executed HLT, and the ledger has been told: it has nothing to do for L2.
FLOW_FN void nested_halt(struct nested_flow *n, const struct vcpu_flow *f) {
  if (n->route != NESTED_PENDING) return;
  nested_deal(n, f->ns);
  nested_drop_pending(n);
  n->route = NESTED_NONE;
}

/// kvm_entry of a vCPU that is taken to be in L2, before the ledger is told.
/// Shape:  returns the index of the exit from L2 that L0 has handled, or FLOW_EXIT_NONE.
/// Errors: an exit that was not said to come from L2 came from L1: how the vCPU left L2 was missed.
FLOW_FN __u32 nested_entry(struct nested_flow *n, struct vcpu_flow *f) {
  __u32 is_told = n->is_told;
  if (flow_in_guest(f)) return FLOW_EXIT_NONE;
  n->is_told = 0;
  if (is_told) return nested_settle_handled(n);
  f->anomaly[FLOW_LEVEL_MISSED]++;
  nested_deal(n, f->ns);
  n->route = NESTED_NONE;
  f->guest_state = FLOW_GUEST;
  return FLOW_EXIT_NONE;
}

#endif
