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

/// A halt of `ns` was ended by `kind`, which the caller has bounded.
FLOW_FN void flow_count_wait(struct vcpu_flow *f, __u64 ns, __u32 kind) {
  __u32 bucket = flow_wait_bucket(ns);
  FLOW_FORGET(bucket);
  f->wait_ns[kind] += ns;
  if (ns && bucket < FLOW_WAIT_BUCKETS) f->waited[kind][bucket]++;
}

/// It is known now what ended the halt that an interrupt of the host has ended.
FLOW_FN void flow_settle(struct vcpu_flow *f, __u32 kind) {
  flow_count_wait(f, f->unsettled_ns, kind);
  f->unsettled_ns = 0;
}

/// The vCPU has given an interrupt to itself: what its timer left pending.
FLOW_FN void flow_accept(struct vcpu_flow *f) {
  if (f->unsettled_ns) flow_settle(f, FLOW_WAKE_OWN_INTERRUPT);
}

/// kvm_entry: the vCPU goes into the guest; the open exit, if any, has been handled.
/// Shape: returns the index of the exit whose handling ended, its time in `*handled_ns`, or
///        FLOW_EXIT_NONE.
FLOW_FN __u32 flow_entry(struct vcpu_flow *f, __u64 now_ns, __u64 *handled_ns) {
  __u32 ended = FLOW_EXIT_NONE;
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
      ended = f->exit_index;
      *handled_ns = f->handling_ns;
      f->handled[flow_bucket(f->handling_ns)]++;
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

/// The wake-up that ended the sleep which began at `f->last_ns`: 0 if there is none. Its kind in
/// `*kind`.
FLOW_FN __u64 flow_wake_of(const struct vcpu_mailbox *m, __u64 armed_ns, __u32 *kind) {
  __u64 newest_ns = 0, waker = 0;
  for (__u32 i = 0; i < FLOW_MAILBOX_WAKES; i++)
    if (m->wake[i].ns > newest_ns) {
      newest_ns = m->wake[i].ns;
      waker = m->wake[i].waker;
    }
  if (newest_ns < armed_ns || !newest_ns) return 0;
  *kind = waker >> 32;
  return newest_ns;
}

/// Who the newest wake-up came from: see flow_waker().
FLOW_FN __u32 flow_newest_waker(const struct vcpu_mailbox *m) {
  __u64 newest_ns = 0, waker = 0;
  for (__u32 i = 0; i < FLOW_MAILBOX_WAKES; i++)
    if (m->wake[i].ns > newest_ns) {
      newest_ns = m->wake[i].ns;
      waker = m->wake[i].waker;
    }
  return (__u32)waker;
}

/// A halt of `asleep_ns` is over. An interrupt of the host may have been the vCPU's own timer: that
/// shows in what it accepts before it is in the guest again.
FLOW_FN void flow_end_halt_wait(struct vcpu_flow *f, __u64 asleep_ns, __u32 kind) {
  FLOW_FORGET(kind);
  if (kind >= FLOW_WAKE_KINDS) kind = FLOW_WAKE_BARE;
  if (kind == FLOW_WAKE_HARDIRQ)
    f->unsettled_ns += asleep_ns;
  else
    flow_count_wait(f, asleep_ns, kind);
}

/// A sleep outside HLT is over.
FLOW_FN void flow_end_block(struct vcpu_flow *f, __u64 ns) {
  __u32 block = f->block;
  FLOW_FORGET(block);
  if (block >= FLOW_BLOCKS) block = FLOW_BLOCK_OTHER;
  f->block_ns[block] += ns;
  f->block = FLOW_BLOCK_OTHER;
}

/// The vCPU waits for a CPU since `since_ns`, and somebody will tell whose fault that is.
FLOW_FN void flow_wait(struct vcpu_flow *f, __u64 since_ns, __u32 throttled) {
  f->blame_since_ns = since_ns;
  f->blamed_ns = f->throttled_ns = 0;
  f->throttled = throttled;
}

/// Who waits for a CPU was not on any list: this wait stays unknown.
FLOW_FN void flow_forget_blame(struct vcpu_flow *f) { f->blame_since_ns = 0; }

/// Switched out while runnable, for `culprit` to run.
FLOW_FN void flow_preempt(struct vcpu_flow *f, __u32 culprit) {
  FLOW_FORGET(culprit);
  if (culprit < FLOW_CULPRITS) f->preempted[culprit]++;
}

/// Until `now_ns` the CPU was held by `culprit`, but for `irq_ns` in interrupts; from then on the quota is used up if
/// `throttled`.
/// Shape: returns the nanoseconds that are blamed on `culprit`. Threads: under the lock of the run queue.
FLOW_FN __u64 flow_blame(struct vcpu_flow *f, __u64 now_ns, __u32 culprit, __u32 throttled, __u64 irq_ns) {
  __u64 ns, was_throttled = f->throttled;
  FLOW_FORGET(culprit);
  if (!f->blame_since_ns || culprit >= FLOW_CULPRITS) return 0;
  f->throttled = throttled;
  if (now_ns <= f->blame_since_ns) return 0;
  ns = now_ns - f->blame_since_ns;
  f->blame_since_ns = now_ns;
  if (was_throttled) {
    f->throttled_ns += ns;
    return 0;
  }
  if (irq_ns > ns) irq_ns = ns;
  f->culprit_ns[FLOW_CULPRIT_IRQ] += irq_ns;
  f->culprit_ns[culprit] += ns - irq_ns;
  f->blamed_ns += ns;
  return ns - irq_ns;
}

/// A wait of `ns` for a CPU is over, that began with a wake-up if `is_woken`: what nobody was blamed for is
/// unknown.
FLOW_FN void flow_end_ready(struct vcpu_flow *f, __u64 ns, __u32 is_woken) {
  __u64 throttled_ns = f->throttled_ns < ns ? f->throttled_ns : ns;
  ns -= throttled_ns;
  f->ns[FLOW_THROTTLED] += throttled_ns;
  f->ns[FLOW_READY] += ns;
  f->queued[flow_bucket(ns)]++;
  if (is_woken) {
    f->woken[flow_bucket(ns)]++;
    f->woken_ns += ns;
  }
  if (ns > f->blamed_ns) f->culprit_ns[FLOW_CULPRIT_UNKNOWN] += ns - f->blamed_ns;
  flow_wait(f, 0, 0);
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

/// A waker leaves word. Threads: any number of wakers, on any CPU, in any context.
FLOW_FN void flow_post_wake(struct vcpu_mailbox *m, __u64 now_ns, __u64 waker) {
  __u64 at = __sync_fetch_and_add(&m->posted, 1) % FLOW_MAILBOX_WAKES;
  m->wake[at].waker = waker;
  FLOW_BARRIER();
  *(volatile __u64 *)&m->wake[at].ns = now_ns;
}

#endif
