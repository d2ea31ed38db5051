// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// THE state machine of one vCPU: the same code steps in the kernel on live events and in user space
// on recorded ones. Common subset of C and C++20; no libbpf, no allocation, no loop without a bound.
//
//   UNKNOWN ─first event─► any          GUEST ◄─entry── KVM ──userspace exit──► VMM ──entry──► GUEST
//   GUEST ──exit──► KVM                 GUEST|KVM|VMM ──out, runnable──► READY ──in──► KVM or VMM
//   VMM ──KVM_RUN──► KVM                GUEST is FLOW_GUEST, or FLOW_GUEST_NESTED while an entry leads there
//   KVM ──out, HLT──► HALTED ──woken──► READY ──in──► KVM
//   KVM|VMM ──out, asleep──► VMM_BLOCKED|PAUSED ──woken──► READY ──in──► KVM or VMM
//
// One writer: every function that takes a `struct vcpu_flow *` is called from the vCPU's own events
// only. Wakers write the mailbox, and nothing else.
#ifndef VMFLOW_BPF_VCPU_FLOW_H
#define VMFLOW_BPF_VCPU_FLOW_H

#include "vcpu_state.h"
#include "wait_flow.h"

/// Nanoseconds since the last event, which `now_ns` now becomes.
/// Errors: a clock that runs backwards adds nothing and counts one anomaly.
FLOW_FN __u64 flow_elapse(struct vcpu_flow *f, __u64 now_ns) {
  __u64 last_ns = f->last_ns;
  if (now_ns < last_ns) {
    f->anomaly[FLOW_CLOCK_BACKWARD]++;
    return 0;
  }
  f->last_ns = now_ns;
  return now_ns - last_ns;
}

/// Host time goes to the state and to the exit that caused it.
FLOW_FN void flow_add_host(struct vcpu_flow *f, __u32 state, __u64 ns) {
  __u32 i = f->exit_index;
  if (state == FLOW_VMM)
    f->ns[FLOW_VMM] += ns;
  else
    f->ns[FLOW_KVM] += ns;
  f->handling_ns += ns;
  if (i < FLOW_EXIT_CODES)
    f->exits[i].ns += ns;
  else if (i == FLOW_EXIT_PENDING)
    f->pending_ns += ns;
}

/// Time before an event that the state did not allow: nobody knows what it was.
FLOW_FN void flow_lose(struct vcpu_flow *f, __u64 now_ns) {
  f->ns[FLOW_UNKNOWN] += flow_elapse(f, now_ns);
  f->anomaly[FLOW_MISSED_EVENT]++;
}

/// Host time that was held back turns out to be no polling.
FLOW_FN void flow_release_held(struct vcpu_flow *f) {
  if (f->held_ns) {
    flow_add_host(f, f->held_state, f->held_ns);
    f->held_ns = 0;
  }
  f->halting = 0;
}

/// 1 if this is the first event: the ledger starts here, in `state`.
FLOW_FN int flow_start(struct vcpu_flow *f, __u64 now_ns, __u32 state) {
  if (f->first_ns) return 0;
  f->first_ns = f->last_ns = now_ns;
  f->block = FLOW_BLOCK_OTHER;
  f->state = state;
  f->exit_index = FLOW_EXIT_NONE;
  return 1;
}

FLOW_FN int flow_sleeps(const struct vcpu_flow *f) {
  return f->state == FLOW_HALTED || f->state == FLOW_VMM_BLOCKED || f->state == FLOW_PAUSED;
}

FLOW_FN int flow_on_host_cpu(const struct vcpu_flow *f) {
  return f->state == FLOW_KVM || f->state == FLOW_VMM;
}

FLOW_FN int flow_in_guest(const struct vcpu_flow *f) {
  return f->state == FLOW_GUEST || f->state == FLOW_GUEST_NESTED;
}

/// Time in the guest, of whichever level.
FLOW_FN void flow_add_guest(struct vcpu_flow *f, __u64 now_ns) {
  __u64 ns = flow_elapse(f, now_ns);
  if (f->state == FLOW_GUEST)
    f->ns[FLOW_GUEST] += ns;
  else
    f->ns[FLOW_GUEST_NESTED] += ns;
}

/// The vCPU has given an interrupt to itself: what its timer left pending.
FLOW_FN void flow_accept(struct vcpu_flow *f) {
  if (f->unsettled_ns) flow_settle(f, FLOW_WAKE_OWN_INTERRUPT);
}

/// An exit that has been handled.
struct flow_handled {
  __u32 exit_index; ///< FLOW_EXIT_NONE: none
  __u32 bucket;     ///< of `ns`
  __u64 ns;         ///< the handling time
};

/// kvm_entry: the vCPU goes into the guest; the open exit, if any, has been handled.
FLOW_FN struct flow_handled flow_entry(struct vcpu_flow *f, __u64 now_ns) {
  struct flow_handled ended = {FLOW_EXIT_NONE, 0, 0};
  if (flow_start(f, now_ns, FLOW_GUEST)) return ended;
  if (flow_in_guest(f)) {
    f->anomaly[FLOW_ENTRY_IN_GUEST]++;
    if (f->state == f->guest_state) return ended;
    flow_add_guest(f, now_ns);
    f->state = f->guest_state;
    return ended;
  }
  flow_release_held(f);
  if (f->unsettled_ns) flow_settle(f, FLOW_WAKE_HARDIRQ);
  if (flow_on_host_cpu(f)) {
    flow_add_host(f, f->state, flow_elapse(f, now_ns));
    if (f->exit_index < FLOW_EXIT_CODES) {
      ended.exit_index = f->exit_index;
      ended.bucket = flow_bucket(f->handling_ns);
      ended.ns = f->handling_ns;
      f->handled[ended.bucket]++;
      f->handled_ns += f->handling_ns;
    }
  } else {
    flow_lose(f, now_ns);
  }
  f->state = f->guest_state;
  return ended;
}

/// kvm_exit: the vCPU leaves the guest for the exit index `index`; `is_halt` for a HLT exit.
FLOW_FN void flow_exit(struct vcpu_flow *f, __u64 now_ns, __u32 index, __u32 is_halt) {
  __u64 pending_ns = 0;
  FLOW_FORGET(index);
  if (index >= FLOW_EXIT_CODES) index = FLOW_EXIT_OUT_OF_RANGE;
  if (!flow_start(f, now_ns, FLOW_KVM)) {
    if (flow_in_guest(f)) {
      flow_add_guest(f, now_ns);
    } else if (f->state == FLOW_KVM) {
      flow_release_held(f);
      flow_add_host(f, FLOW_KVM, flow_elapse(f, now_ns));
      if (f->exit_index == FLOW_EXIT_PENDING)
        pending_ns = f->pending_ns;
      else
        f->anomaly[FLOW_EXIT_IN_KVM]++;
    } else {
      flow_lose(f, now_ns);
    }
  }
  f->exits[index].count++;
  f->exits[index].ns += pending_ns;
  f->handling_ns = pending_ns;
  f->pending_ns = 0;
  f->exit_index = index;
  f->halting = is_halt;
  f->state = FLOW_KVM;
}

/// May flow_round_trip() be taken for an exit at `exit_ns` and an entry at `now_ns`?
FLOW_FN int flow_is_plain(const struct vcpu_flow *f, __u64 exit_ns, __u64 now_ns) {
  return !(f->state | f->guest_state) && f->last_ns && f->last_ns <= exit_ns && exit_ns <= now_ns;
}

/// kvm_exit and the kvm_entry after it, in one step: what flow_exit() and flow_entry() do one after the other where
/// flow_is_plain(). `index` is one that does not halt, below FLOW_EXIT_CODES.
FLOW_FN struct flow_handled flow_round_trip(struct vcpu_flow *f, __u64 exit_ns, __u32 index, __u64 now_ns) {
  __u64 ns = now_ns - exit_ns;
  struct flow_handled ended = {index, flow_bucket(ns), ns};
  f->ns[FLOW_GUEST] += exit_ns - f->last_ns;
  f->ns[FLOW_KVM] += ns;
  f->last_ns = now_ns;
  f->exits[index].count++;
  f->exits[index].ns += ns;
  f->handled[ended.bucket]++;
  f->handled_ns += ns;
  f->handling_ns = ns;
  f->pending_ns = 0;
  f->exit_index = index;
  return ended;
}

/// kvm_userspace_exit: KVM_RUN returns to the VMM with userspace exit index `reason`.
FLOW_FN void flow_userspace_exit(struct vcpu_flow *f, __u64 now_ns, __u32 reason) {
  FLOW_FORGET(reason);
  if (reason >= FLOW_USERSPACE_REASONS) reason = FLOW_USERSPACE_OUT_OF_RANGE;
  if (!flow_start(f, now_ns, FLOW_VMM)) {
    if (flow_on_host_cpu(f)) {
      flow_release_held(f);
      flow_add_host(f, f->state, flow_elapse(f, now_ns));
    } else {
      flow_lose(f, now_ns);
    }
  }
  f->userspace[reason]++;
  f->last_userspace = reason;
  f->state = FLOW_VMM;
}

/// KVM_RUN is entered: the VMM hands over to KVM. Without this event VMM time lasts until the entry.
FLOW_FN void flow_run(struct vcpu_flow *f, __u64 now_ns) {
  if (flow_start(f, now_ns, FLOW_KVM) || f->state != FLOW_VMM) return;
  flow_add_host(f, FLOW_VMM, flow_elapse(f, now_ns));
  f->state = FLOW_KVM;
}

/// sched_switch, the vCPU's thread leaves the CPU for `state`: FLOW_READY if it is runnable, else
/// what it sleeps in. Before a halt the host time is held back until flow_halt_end() says how much
/// of it was polling.
FLOW_FN void flow_out(struct vcpu_flow *f, __u64 now_ns, __u32 state) {
  __u64 last_ns = f->last_ns;
  if (state >= FLOW_STATES) return;
  if (f->unsettled_ns) flow_settle(f, FLOW_WAKE_HARDIRQ);
  if (!flow_start(f, now_ns, state)) {
    if (flow_in_guest(f)) {
      flow_add_guest(f, now_ns);
      f->exit_index = FLOW_EXIT_PENDING;
      f->pending_ns = 0;
      f->handling_ns = 0;
    } else if (!flow_on_host_cpu(f)) {
      flow_lose(f, now_ns);
    } else if (state == FLOW_HALTED || f->halting) {
      f->held_ns += flow_elapse(f, now_ns);
      f->held_state = f->state;
    } else {
      flow_add_host(f, f->state, flow_elapse(f, now_ns));
    }
    f->armed_ns = last_ns;
  } else {
    f->armed_ns = now_ns;
    // It may have been in the guest: then its exit is still to be reported.
    if (state == FLOW_READY) f->exit_index = FLOW_EXIT_PENDING;
  }
  f->state = state;
}

/// sched_switch, the vCPU's thread gets a CPU; `in_kvm_run` tells KVM from VMM. `disk_pending_ns` of its sleep a
/// disk request of the VM was in flight, `net_pending_ns` of it a packet for the VM waited.
FLOW_FN void flow_in(struct vcpu_flow *f, const struct vcpu_mailbox *m, __u64 now_ns,
                     __u32 in_kvm_run, __u64 disk_pending_ns, __u64 net_pending_ns) {
  __u64 slept_from_ns = f->last_ns;
  __u32 from = f->state;
  if (!flow_start(f, now_ns, in_kvm_run ? FLOW_KVM : FLOW_VMM)) {
    if (from == FLOW_READY) {
      flow_end_ready(f, flow_elapse(f, now_ns), 0);
    } else if (from == FLOW_HALTED || from == FLOW_VMM_BLOCKED || from == FLOW_PAUSED) {
      __u32 kind = FLOW_WAKE_BARE;
      __u64 wake_ns = flow_wake_of(m, f->armed_ns, &kind);
      __u64 away_ns = flow_elapse(f, now_ns);
      __u64 asleep_ns = away_ns;
      if (!wake_ns)
        f->anomaly[FLOW_WAKEUP_MISSING]++;
      else if (wake_ns <= slept_from_ns)
        asleep_ns = 0;
      else if (wake_ns - slept_from_ns < away_ns)
        asleep_ns = wake_ns - slept_from_ns;
      // Spelled out, because the verifier forgets the bounds of an index over all this.
      if (from == FLOW_HALTED) {
        f->ns[FLOW_HALTED] += asleep_ns;
        f->disk_pending_ns += disk_pending_ns < asleep_ns ? disk_pending_ns : asleep_ns;
        f->net_pending_ns += net_pending_ns < asleep_ns ? net_pending_ns : asleep_ns;
        flow_end_halt_wait(f, asleep_ns, kind);
      } else if (from == FLOW_VMM_BLOCKED) {
        f->ns[FLOW_VMM_BLOCKED] += asleep_ns;
        flow_end_block(f, asleep_ns);
      } else {
        f->ns[FLOW_PAUSED] += asleep_ns;
      }
      flow_end_ready(f, away_ns - asleep_ns, 1);
    } else {
      flow_lose(f, now_ns);
    }
  }
  f->state = in_kvm_run ? FLOW_KVM : FLOW_VMM;
}

/// kvm_vcpu_wakeup: a halt is over. `polled_ns` of the host time before it was halt polling (KVM's
/// own figure); `waited` if it slept after polling, `valid` if there was work to wake up for.
FLOW_FN void flow_halt_end(struct vcpu_flow *f, __u64 now_ns, __u64 polled_ns, __u32 waited,
                           __u32 valid) {
  __u64 from_held_ns, open_ns, from_open_ns;
  if (flow_start(f, now_ns, FLOW_KVM)) return;
  if (!flow_on_host_cpu(f)) {
    flow_lose(f, now_ns);
    f->state = FLOW_KVM;
    return;
  }
  from_held_ns = polled_ns < f->held_ns ? polled_ns : f->held_ns;
  f->held_ns -= from_held_ns;
  flow_release_held(f);
  open_ns = flow_elapse(f, now_ns);
  from_open_ns = polled_ns - from_held_ns < open_ns ? polled_ns - from_held_ns : open_ns;
  flow_add_host(f, f->state, open_ns - from_open_ns);
  f->ns[FLOW_HALT_POLL] += from_held_ns + from_open_ns;
  if (waited) {
    f->poll_fail_ns += from_held_ns + from_open_ns;
    f->poll_fail += polled_ns != 0;
  } else {
    f->poll_success_ns += from_held_ns + from_open_ns;
    f->poll_success += polled_ns != 0;
  }
  f->halt_wakeups += valid;
  f->state = FLOW_KVM;
}

/// sched_process_exit: the vCPU's thread ends here, and its ledger with it.
FLOW_FN void flow_end(struct vcpu_flow *f, __u64 now_ns) {
  if (!f->first_ns) return;
  if (f->unsettled_ns) flow_settle(f, FLOW_WAKE_HARDIRQ);
  if (flow_on_host_cpu(f)) {
    flow_release_held(f);
    flow_add_host(f, f->state, flow_elapse(f, now_ns));
  } else if (flow_in_guest(f)) {
    flow_add_guest(f, now_ns);
  } else {
    flow_lose(f, now_ns);
  }
  f->state = FLOW_VMM;
}

#endif
