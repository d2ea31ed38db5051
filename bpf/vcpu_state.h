// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What is known of one vCPU: its closed sets, its counters, and where wakers leave word. Common subset of C and
// C++20; vcpu_flow.h steps it.
#ifndef VMFLOW_BPF_VCPU_STATE_H
#define VMFLOW_BPF_VCPU_STATE_H

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
  FLOW_LEVEL_MISSED,    ///< the vCPU was in another nested level than its events had told; corrected
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
  FLOW_CULPRIT_IRQ,           ///< interrupts of the host, whoever they interrupted; opt-in, else part of the others
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

/// Waits: bucket 0 counts those below 2^16 ns (66 us), bucket i those below 2^(16+2i), the last (from 2^30 ns,
/// 1.07 s on) is open.
#define FLOW_WAIT_BUCKETS 9u
#define FLOW_WAIT_BUCKET_SHIFT 16u

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
  __u32 guest_state;  ///< where an entry leads: FLOW_GUEST, or FLOW_GUEST_NESTED (see nested_flow.h)
  __u32 halting;      ///< 1 from a HLT exit until it is known whether KVM polled
  __u64 unsettled_ns; ///< halted time ended by FLOW_WAKE_HARDIRQ, until it is known what it was
  __u64 ns[FLOW_STATES + 1]; ///< closed time by state; [FLOW_UNKNOWN] is unaccounted
  __u64 wait_ns[FLOW_WAKE_KINDS]; ///< ns[FLOW_HALTED] but for unsettled_ns, by what ended it
  __u64 waited[FLOW_WAKE_KINDS][FLOW_WAIT_BUCKETS]; ///< waits of wait_ns by duration, but for those of no time
  __u64 block_ns[FLOW_BLOCKS]; ///< ns[FLOW_VMM_BLOCKED], by what the thread slept in
  __u32 block;                 ///< enum flow_block of the present sleep
  __u32 pad_block;
  __u64 disk_pending_ns; ///< of ns[FLOW_HALTED]: with a disk request of the VM in flight
  __u64 net_pending_ns;  ///< of ns[FLOW_HALTED]: with a packet for the VM waiting in its tap
  __u64 culprit_ns[FLOW_CULPRITS]; ///< ns[FLOW_READY], and the open wait as far as it is blamed
  __u64 blame_since_ns; ///< the wait for a CPU has been told up to here; 0: nobody tells it
  __u64 blamed_ns;      ///< of this wait, in culprit_ns
  __u64 throttled_ns;   ///< of this wait, while the cgroup's quota was used up
  __u64 throttled;      ///< 1 if it is used up since blame_since_ns
  __u64 preempted[FLOW_CULPRITS]; ///< switched out while runnable, by who ran next
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

/// Who woke: in the low half its thread, or of FLOW_WAKE_IPI its vCPU id; above it enum flow_wake_kind.
FLOW_FN __u64 flow_waker(__u32 who, __u32 kind) { return (__u64)kind << 32 | who; }

/// The exit index of a raw exit code. Source: asm/svm.h, asm/vmx.h (VMX flags sit above bit 15).
FLOW_FN __u32 flow_exit_index(__u32 is_vmx, __u32 code) {
  if (is_vmx) code &= 0xffffu;
  if (code < FLOW_EXIT_DIRECT) return code;
  if (!is_vmx && code - FLOW_EXIT_SVM_HIGH < FLOW_EXIT_SVM_HIGH_COUNT)
    return FLOW_EXIT_DIRECT + (code - FLOW_EXIT_SVM_HIGH);
  return FLOW_EXIT_OUT_OF_RANGE;
}

/// floor(log2(i)); 0 of 0. A table, since BPF has no instruction for it and the verifier goes on with every result of
/// a search alone.
#define FLOW_2(x) x, x
#define FLOW_4(x) FLOW_2(x), FLOW_2(x)
#define FLOW_8(x) FLOW_4(x), FLOW_4(x)
#define FLOW_16(x) FLOW_8(x), FLOW_8(x)
#define FLOW_32(x) FLOW_16(x), FLOW_16(x)
#define FLOW_64(x) FLOW_32(x), FLOW_32(x)
static const __u8 flow_log2_of_byte[256] = {0, 0, FLOW_2(1), FLOW_4(2), FLOW_8(3), FLOW_16(4), FLOW_32(5),
                                            FLOW_64(6), FLOW_64(7), FLOW_64(7)};

/// The histogram bucket of a handling time.
FLOW_FN __u32 flow_bucket(__u64 ns) {
  if (ns < 1u << 16) return flow_log2_of_byte[ns >> 8];
  if (ns < 1u << 24) return 8 + flow_log2_of_byte[ns >> 16];
  if (ns >> 32) return FLOW_EXIT_BUCKETS - 1;
  return 16 + flow_log2_of_byte[ns >> 24];
}

/// The histogram bucket of a wait.
FLOW_FN __u32 flow_wait_bucket(__u64 ns) {
  if (ns < 1u << 16) return 0;
  if (ns < 1u << 24) return 1 + flow_log2_of_byte[ns >> 16] / 2;
  if (ns >> 32) return FLOW_WAIT_BUCKETS - 1;
  return 5 + flow_log2_of_byte[ns >> 24] / 2;
}

#endif
