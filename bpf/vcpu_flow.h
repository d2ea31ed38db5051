// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// THE state machine of one vCPU: the same code steps in the kernel on live events and in user space
// on recorded ones. Common subset of C and C++20; no libbpf, no allocation, no loop without a bound.
//
//   UNKNOWN ─first event─► any          GUEST ◄─entry── KVM ──userspace exit──► VMM ──entry──► GUEST
//   GUEST ──exit──► KVM                 GUEST|KVM|VMM ──out, runnable──► READY ──in──► KVM or VMM
//   VMM ──KVM_RUN──► KVM
//   KVM ──out, HLT──► HALTED ──woken──► READY ──in──► KVM
//   KVM|VMM ──out, asleep──► VMM_BLOCKED|PAUSED ──woken──► READY ──in──► KVM or VMM
//
// One writer: every function that takes a `struct vcpu_flow *` is called from the vCPU's own events
// only. Wakers write the mailbox, and nothing else.
#ifndef VMFLOW_BPF_VCPU_FLOW_H
#define VMFLOW_BPF_VCPU_FLOW_H

#include <linux/types.h>

/// Where a vCPU's wall time goes: a closed set. FLOW_UNKNOWN takes what contradicts itself.
enum flow_state {
  FLOW_GUEST,
  FLOW_GUEST_NESTED,
  FLOW_KVM,
  FLOW_VMM,
  FLOW_HALT_POLL,
  FLOW_HALTED,
  FLOW_READY,
  FLOW_THROTTLED,
  FLOW_VMM_BLOCKED,
  FLOW_PAUSED,
  FLOW_STATES,
  FLOW_UNKNOWN = FLOW_STATES
};

/// Contradictions and gaps that the state machine noticed, each counted.
enum flow_anomaly {
  FLOW_CLOCK_BACKWARD,  ///< an event older than the one before it; it added no time
  FLOW_ENTRY_IN_GUEST,  ///< an entry without an exit before it; it changed nothing
  FLOW_EXIT_IN_KVM,     ///< an exit without an entry before it (re-entered on KVM's fast path)
  FLOW_MISSED_EVENT,    ///< an event that its state rules out; the time before it is unaccounted
  FLOW_WAKEUP_MISSING,  ///< switched in after sleep without a wake-up; the wait took it all
  FLOW_ANOMALIES
};

/// What ended a halt, as far as the kernel shows it. What that means is said in analysis/wait_reason.
enum flow_wake_kind {
  FLOW_WAKE_BARE,            ///< a wake-up and nothing beside it
  FLOW_WAKE_HARDIRQ,         ///< by an interrupt of the host; the vCPU has accepted nothing since
  FLOW_WAKE_OWN_INTERRUPT,   ///< the same, and then the vCPU gave an interrupt to itself: its timer
  FLOW_WAKE_IPI,             ///< by a sibling vCPU's interrupt
  FLOW_WAKE_VMM,             ///< by a device's interrupt from a thread of the VMM
  FLOW_WAKE_VMM_DISK,        ///< the same, after a disk request of the VMM was completed
  FLOW_WAKE_VMM_NET,         ///< the same, after that thread has read a packet
  FLOW_WAKE_VHOST,           ///< by a device's interrupt from a vhost worker
  FLOW_WAKE_KERNEL_WORKER,   ///< by a device's interrupt that a kernel worker passes on
  FLOW_WAKE_FOREIGN,         ///< by a device's interrupt from another process
  FLOW_WAKE_HARDIRQ_DEVICE,  ///< by a device's interrupt out of an interrupt of the host
  FLOW_WAKE_PAGE,            ///< a page that was fetched for the guest is there
  FLOW_WAKE_KINDS
};

/// What a vCPU's thread sleeps in that does not halt: seen when it goes to sleep.
enum flow_block {
  FLOW_BLOCK_MEMORY, ///< a page of the guest is not there
  FLOW_BLOCK_IO,     ///< the VMM reads or writes
  FLOW_BLOCK_LOCK,   ///< a futex of the VMM
  FLOW_BLOCK_OTHER,
  FLOW_BLOCKS
};

/// Who held the CPU while a vCPU was ready: a closed set.
enum flow_culprit {
  FLOW_CULPRIT_OTHER_VM,
  FLOW_CULPRIT_OWN_VM,        ///< a sibling vCPU, or a thread that works for this VM
  FLOW_CULPRIT_HOST_TASK,
  FLOW_CULPRIT_KERNEL_THREAD,
  FLOW_CULPRIT_NONE,          ///< the CPU was idle: the latency of a wake-up
  FLOW_CULPRIT_UNKNOWN,
  FLOW_CULPRITS
};

/// Exit indices: [0, 0xa8) the code itself (VMX basic reason, SVM exit code), then SVM 0x400-0x405.
#define FLOW_EXIT_DIRECT 0xa8u
#define FLOW_EXIT_SVM_HIGH 0x400u
#define FLOW_EXIT_SVM_HIGH_COUNT 6u
#define FLOW_EXIT_UNREADABLE 174u ///< the kernel told no code
#define FLOW_EXIT_OUT_OF_RANGE 175u
#define FLOW_EXIT_CODES 176u
#define FLOW_EXIT_NONE 0xffffu    ///< no exit since the first event
#define FLOW_EXIT_PENDING 0xfffeu ///< left the guest, the exit itself is not reported yet

/// Userspace exit indices: KVM_EXIT_* itself below 62, then these two.
#define FLOW_USERSPACE_ERROR 62u ///< KVM_RUN failed (not -EINTR)
#define FLOW_USERSPACE_OUT_OF_RANGE 63u
#define FLOW_USERSPACE_REASONS 64u
#define FLOW_KVM_EXIT_INTR 10u ///< KVM_EXIT_INTR; also where -EINTR is counted

/// Durations: bucket i counts [2^(i+8), 2^(i+9)) ns; the first and last are open.
#define FLOW_EXIT_BUCKETS 24u
#define FLOW_EXIT_BUCKET_SHIFT 8u

struct exit_count {
  __u64 count;
  __u64 ns; ///< kernel and VMM time after this exit, without polling, ready time or sleep
};

/// What is known of one vCPU. Units: all times are nanoseconds of CLOCK_MONOTONIC.
struct vcpu_flow {
  __u64 first_ns; ///< time of the first event; 0: none yet
  __u64 last_ns;  ///< time of the last event: the open interval starts here
  __u64 armed_ns; ///< a wake-up older than this belongs to an earlier sleep
  __u64 held_ns;  ///< host time before a halt, not yet told from halt polling
  __u64 pending_ns;   ///< host time since the guest was left under FLOW_EXIT_PENDING
  __u64 handling_ns;  ///< host time since the open exit
  __u32 state;        ///< enum flow_state
  __u32 held_state;   ///< FLOW_KVM or FLOW_VMM: where held_ns goes if it was no polling
  __u32 exit_index;   ///< the open exit: an exit index, FLOW_EXIT_NONE or FLOW_EXIT_PENDING
  __u32 last_userspace; ///< the last userspace exit index
  __u32 pad;
  __u32 halting;      ///< 1 from a HLT exit until it is known whether KVM polled
  __u64 unsettled_ns; ///< halted time ended by FLOW_WAKE_HARDIRQ, until it is known what it was
  __u64 ns[FLOW_STATES + 1]; ///< closed time by state; [FLOW_UNKNOWN] is unaccounted
  __u64 wait_ns[FLOW_WAKE_KINDS]; ///< ns[FLOW_HALTED] but for unsettled_ns, by what ended it
  __u64 block_ns[FLOW_BLOCKS]; ///< ns[FLOW_VMM_BLOCKED], by what the thread slept in
  __u32 block;                 ///< enum flow_block of the present sleep
  __u32 pad_block;
  __u64 io_pending_ns; ///< of ns[FLOW_HALTED]: with a disk request of the VM in flight
  __u64 culprit_ns[FLOW_CULPRITS]; ///< ns[FLOW_READY], and the open wait as far as it is blamed
  __u64 blame_since_ns; ///< the wait for a CPU has been told up to here; 0: nobody tells it
  __u64 blamed_ns;      ///< of this wait, in culprit_ns
  __u64 throttled_ns;   ///< of this wait, while the cgroup's quota was used up
  __u64 throttled;      ///< 1 if it is used up since blame_since_ns
  __u64 anomaly[FLOW_ANOMALIES];
  __u64 poll_success_ns;
  __u64 poll_fail_ns;
  __u64 poll_success;
  __u64 poll_fail;
  __u64 halt_wakeups; ///< halts that ended with a vCPU that had something to do
  __u64 handled[FLOW_EXIT_BUCKETS]; ///< exits by handling time
  __u64 handled_ns;                 ///< handling time of the exits in handled
  __u64 queued[FLOW_EXIT_BUCKETS]; ///< waits for a CPU by duration, in the buckets of handled
  __u64 woken[FLOW_EXIT_BUCKETS];  ///< of them, those that began with a wake-up
  __u64 woken_ns;                  ///< their sum; that of queued is ns[FLOW_READY]
  __u64 userspace[FLOW_USERSPACE_REASONS];
  struct exit_count exits[FLOW_EXIT_CODES];
};

/// One wake-up of the vCPU's thread. `ns` is written last: an entry counts once it is there.
struct vcpu_wake {
  __u64 ns;
  __u64 waker; ///< see flow_waker()
};

/// Where wakers leave word. Four at once cannot tear one another; the newest counts.
#define FLOW_MAILBOX_WAKES 4u
struct vcpu_mailbox {
  __u64 posted; ///< wake-ups so far
  struct vcpu_wake wake[FLOW_MAILBOX_WAKES];
};

#define FLOW_FN static inline __attribute__((always_inline))
#define FLOW_BARRIER() __asm__ __volatile__("" ::: "memory")
/// Makes the compiler forget what it knows of `v`, so that the bounds check after it stays for the
/// verifier to see.
#define FLOW_FORGET(v) __asm__ __volatile__("" : "+r"(v))

/// Who woke: `tid` in the low half, above it enum flow_wake_kind.
FLOW_FN __u64 flow_waker(__u32 tid, __u32 kind) { return (__u64)kind << 32 | tid; }

/// The exit index of a raw exit code. Source: asm/svm.h, asm/vmx.h (VMX flags sit above bit 15).
FLOW_FN __u32 flow_exit_index(__u32 is_vmx, __u32 code) {
  if (is_vmx) code &= 0xffffu;
  if (code < FLOW_EXIT_DIRECT) return code;
  if (!is_vmx && code - FLOW_EXIT_SVM_HIGH < FLOW_EXIT_SVM_HIGH_COUNT)
    return FLOW_EXIT_DIRECT + (code - FLOW_EXIT_SVM_HIGH);
  return FLOW_EXIT_OUT_OF_RANGE;
}

FLOW_FN __u32 flow_log2(__u64 v) {
  __u32 r = 0;
  if (v >> 32) { v >>= 32; r += 32; }
  if (v >> 16) { v >>= 16; r += 16; }
  if (v >> 8) { v >>= 8; r += 8; }
  if (v >> 4) { v >>= 4; r += 4; }
  if (v >> 2) { v >>= 2; r += 2; }
  return r + (__u32)(v >> 1);
}

/// The histogram bucket of a handling time.
FLOW_FN __u32 flow_bucket(__u64 ns) {
  __u32 b = flow_log2(ns | 1);
  b = b < FLOW_EXIT_BUCKET_SHIFT ? 0 : b - FLOW_EXIT_BUCKET_SHIFT;
  return b < FLOW_EXIT_BUCKETS ? b : FLOW_EXIT_BUCKETS - 1;
}

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

/// It is known now what ended the halt that an interrupt of the host has ended.
FLOW_FN void flow_settle(struct vcpu_flow *f, __u32 kind) {
  f->wait_ns[kind] += f->unsettled_ns;
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
  if (f->state == FLOW_GUEST) {
    f->anomaly[FLOW_ENTRY_IN_GUEST]++;
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
  f->state = FLOW_GUEST;
  return ended;
}

/// kvm_exit: the vCPU leaves the guest for the exit index `index`; `is_halt` for a HLT exit.
FLOW_FN void flow_exit(struct vcpu_flow *f, __u64 now_ns, __u32 index, __u32 is_halt) {
  __u64 pending_ns = 0;
  FLOW_FORGET(index);
  if (index >= FLOW_EXIT_CODES) index = FLOW_EXIT_OUT_OF_RANGE;
  if (!flow_start(f, now_ns, FLOW_KVM)) {
    if (f->state == FLOW_GUEST) {
      f->ns[FLOW_GUEST] += flow_elapse(f, now_ns);
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
    if (f->state == FLOW_GUEST) {
      f->ns[FLOW_GUEST] += flow_elapse(f, now_ns);
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

/// A halt of `asleep_ns` is over. An interrupt of the host may have been the vCPU's own timer: that
/// shows in what it accepts before it is in the guest again.
FLOW_FN void flow_end_halt_wait(struct vcpu_flow *f, __u64 asleep_ns, __u32 kind) {
  FLOW_FORGET(kind);
  if (kind >= FLOW_WAKE_KINDS) kind = FLOW_WAKE_BARE;
  if (kind == FLOW_WAKE_HARDIRQ)
    f->unsettled_ns += asleep_ns;
  else
    f->wait_ns[kind] += asleep_ns;
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

/// Until `now_ns` the CPU was held by `culprit`; from then on the quota is used up if `throttled`.
/// Shape: returns the nanoseconds that are blamed on it. Threads: under the lock of the run queue.
FLOW_FN __u64 flow_blame(struct vcpu_flow *f, __u64 now_ns, __u32 culprit, __u32 throttled) {
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
  f->culprit_ns[culprit] += ns;
  f->blamed_ns += ns;
  return ns;
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

/// sched_switch, the vCPU's thread gets a CPU; `in_kvm_run` tells KVM from VMM. `io_pending_ns` of its sleep a
/// disk request of the VM was in flight.
FLOW_FN void flow_in(struct vcpu_flow *f, const struct vcpu_mailbox *m, __u64 now_ns,
                     __u32 in_kvm_run, __u64 io_pending_ns) {
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
        f->io_pending_ns += io_pending_ns < asleep_ns ? io_pending_ns : asleep_ns;
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
  } else if (f->state == FLOW_GUEST) {
    f->ns[FLOW_GUEST] += flow_elapse(f, now_ns);
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
