// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What a wait is made of: the wake-up that ends a sleep, what the sleep was for, and who had the CPU until the thread
// got one. Common subset of C and C++20; vcpu_flow.h steps it.
#ifndef VMFLOW_BPF_WAIT_FLOW_H
#define VMFLOW_BPF_WAIT_FLOW_H

#include "vcpu_state.h"

/// A waker leaves word. Threads: any number of wakers, on any CPU, in any context.
FLOW_FN void flow_post_wake(struct vcpu_mailbox *m, __u64 now_ns, __u64 waker) {
  __u64 at = __sync_fetch_and_add(&m->posted, 1) % FLOW_MAILBOX_WAKES;
  m->wake[at].waker = waker;
  FLOW_BARRIER();
  *(volatile __u64 *)&m->wake[at].ns = now_ns;
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

#endif
