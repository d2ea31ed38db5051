// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What the kernel maps hold and user space reads: the one place for its shapes, sizes and indices.
// Common subset of C and C++20. Numbers only: what a code means is said in analysis/.
#ifndef VMFLOW_BPF_RECORDS_H
#define VMFLOW_BPF_RECORDS_H

#include <linux/types.h>

#include "io_records.h"
#include "nested_flow.h"
#include "ring_records.h"
#include "vcpu_flow.h"
#include "vm_skew.h"

/// The `isa` argument of kvm_exit. Source: KVM_ISA_* in arch/x86/kvm/trace.h.
enum flow_isa { FLOW_ISA_NONE = 0, FLOW_ISA_VMX = 1, FLOW_ISA_SVM = 2 };

/// Who a slot belongs to. Written once, when the slot is taken; tid again if the vCPU changes thread.
struct vcpu_identity {
  __u64 kvm;      ///< address of struct kvm: one VM
  __u64 vcpu;     ///< address of struct kvm_vcpu
  __u64 taken_ns; ///< when the slot was taken
  __u32 tgid;     ///< the VMM process
  __u32 tid;      ///< the vCPU thread
  __u32 vcpu_id;
  __u32 generation; ///< counts the owners of this slot; 0: never used
};

/// How a vCPU left: which of the two came first ends its ledger.
struct vcpu_end {
  __u64 thread_exit_ns; ///< its thread ended; writer: the thread (sched_process_exit)
  __u64 destroyed_ns;   ///< KVM destroyed it; writer: whoever closed the last file
};

/// One vCPU. Writers: identity, seq, flow and nested by the vCPU's own events; mailbox by its wakers.
/// A reader copies the slot between two equal, even values of seq (see agent/sources/slot_reader).
struct vcpu_slot {
  __u32 seq; ///< odd while flow or nested is being changed
  __u32 in_use;
  struct vcpu_identity id;
  struct vcpu_end end;
  struct vcpu_mailbox mailbox;
  __u64 polled_ns; ///< KVM's own halt-poll time when it was last read
  __u64 own_code_at;  ///< address of its exit code while it is in no guest of its own; 0: not known
  __u64 lapic_regs;   ///< address of its LAPIC's registers; 0: not known
  __u64 disk_out_ns;  ///< the process' disk clock when the vCPU halted; FLOW_BUSY_UNTOLD
  __u64 disk_wake_ns; ///< and when it was woken
  __u64 net_out_ns;   ///< the same of its network clock
  __u64 net_wake_ns;
  __u64 task;      ///< address of its thread, since it last left a CPU or was woken
  __u32 waits_at;  ///< the CPU whose list of waiters it is on, plus 1; 0: on none
  __u32 waits_in;  ///< its place there
  __u32 woken_throttled; ///< was the quota of its cgroup used up when it was woken? writer: the waker
  __u32 vm;        ///< its VM's index in vm_skews; FLOW_NO_VM: none was free
  __u64 part;      ///< in that VM's sum; writers: the vCPU and its wakers, by exchange
  __u64 irq_ns;    ///< interrupt time of the CPU that it waits for, when the wait was last told
  struct vcpu_flow flow;
  struct nested_flow nested;
};

/// kvm_exit, as a vCPU's record steps it: in the kernel, and by readers of what is only noted there.
FLOW_FN void slot_exit(struct vcpu_slot *slot, __u64 now_ns, __u32 index, __u32 is_halt) {
  flow_exit(&slot->flow, now_ns, index, is_halt);
  if (is_halt) nested_halt(&slot->nested, &slot->flow);
}

/// Slot 0 is never given out, so that index 0 can mean "no vCPU".
#define FLOW_NO_SLOT 0u

/// Programs that count their own runs; one run in FLOW_SAMPLE_EVERY is timed.
enum flow_program {
  FLOW_PROG_ENTRY,
  FLOW_PROG_EXIT,
  FLOW_PROG_USERSPACE_EXIT,
  FLOW_PROG_RUN,
  FLOW_PROG_WAKEUP,
  FLOW_PROG_SWITCH,
  FLOW_PROG_WAKING,
  FLOW_PROG_ACCEPT,
  FLOW_PROG_MIGRATE,
  FLOW_PROG_REQUEST,
  FLOW_PROG_REQUEST_END,
  FLOW_PROG_REQUEST_HELD,
  FLOW_PROG_REMAP,
  FLOW_PROG_PACKET,
  FLOW_PROG_PACKET_QUEUED,
  FLOW_PROG_PACKET_DROPPED,
  FLOW_PROG_SENT_RECEIVE,
  FLOW_PROG_SENT_LIST,
  FLOW_PROG_SENT_GRO,
  FLOW_PROG_SENT_FRAGS,
  FLOW_PROG_NETDEV_GONE,
  FLOW_PROG_RECORD_SENT,
  FLOW_PROG_RECORD_RECEIVED,
  FLOW_PROG_IRQ,
  FLOW_PROG_THREAD_EXIT,
  FLOW_PROG_DESTROY,
  FLOW_PROG_NESTED_ENTRY,
  FLOW_PROG_NESTED_EXIT,
  FLOW_PROG_NESTED_REFLECT,
  FLOW_PROGS
};
#define FLOW_SAMPLE_EVERY 1024u

/// What the programs can do without, one bit each in the programs' `given_up`; user space decides (analysis/governor).
/// The ledger of states, exits by reason and who held the CPU are none of it.
enum flow_detail {
  FLOW_DETAIL_RECORDER,  ///< the flight recorder: user space stops it
  FLOW_DETAIL_DURATIONS, ///< how long single exits take by reason, which vCPU wakes which
  FLOW_DETAIL_DEVICES,   ///< disk requests and packets, and which interrupts were about them
  FLOW_DETAIL_CAUSES,    ///< what ends a halt: it is unknown then
  FLOW_DETAILS
};

struct program_cost {
  __u64 runs;
  __u64 timed_runs;
  __u64 timed_ns;
};

/// An interrupt that KVM has given to a vCPU on this CPU, for the wake-up that follows it.
struct given_irq {
  __u64 ns;         ///< 0: none since the last wake-up
  __u32 tid;        ///< in whose context
  __u32 vcpu_id;    ///< FLOW_ANY_VCPU: not told
  __u32 kind;       ///< enum flow_wake_kind
  __u32 is_hardirq; ///< out of an interrupt of the host
};
#define FLOW_ANY_VCPU 0xffffffffu

/// vCPUs that may wait for one CPU at once with somebody to blame; of more, the wait is unknown.
#define FLOW_WAITERS 14u

/// Handling time of one exit reason, on one CPU.
struct exit_histogram {
  __u64 sum_ns;
  __u64 bucket[FLOW_EXIT_BUCKETS];
};

/// What one CPU keeps for itself: the vCPU that runs on it, and what our programs cost there.
/// An exit is noted here first: mostly the next event is the entry, and both are one step then (flow_round_trip()).
/// Whatever else comes for the vCPU tells its record before; it is still on this CPU, as a switch is such an event.
struct cpu_record {
  __u32 slot;       ///< FLOW_NO_SLOT: no known vCPU runs here
  __u32 noted_code; ///< of the noted exit
  __u64 noted_ns;   ///< when it was; 0: there is none. Written last
  __u64 entered;    ///< address of the vCPU that has entered its guest here and not left it; 0: none
  __u64 code_at;    ///< address of its exit code; 0: it must be looked for
  __u32 pad_routed;
  __u32 routed_tid; ///< who has looked up a device's interrupt here last
  __u64 routed_ns;  ///< when; 0: nobody since the last one
  __u64 preempt_count; ///< address of this CPU's; 0: not found
  struct given_irq given;
  __u32 waiting;              ///< how many of `waiter` are taken
  __u32 waiter[FLOW_WAITERS]; ///< slots that wait for this CPU, FLOW_NO_SLOT where there is none
  __u32 irq_depth;            ///< interrupts that have begun here, one within the other
  __u64 irq_ns;               ///< time in interrupts, but for the present one; with config.tell_irq only
  __u64 irq_since_ns;         ///< of the present one
  struct program_cost cost[FLOW_PROGS];
  __u64 xmit_device; ///< whose packet is being handed to its driver here
  __u32 xmit_queue;
  __u32 pad_xmit;
  __u64 ring_head; ///< records that were ever begun in this CPU's flight recorder
  struct exit_histogram handled[FLOW_EXIT_CODES];
} __attribute__((aligned(64))); // CPUs do not share a cache line

/// Why an event could not be counted. Each is a counter of its own per CPU.
enum flow_loss {
  FLOW_LOSS_NO_FREE_SLOT,    ///< more vCPUs than --max-vcpus
  FLOW_LOSS_NO_TASK_STORAGE, ///< the kernel had no memory to remember the thread
  FLOW_LOSS_NO_VCPU_INDEX,   ///< the index from vCPU to slot was full
  FLOW_LOSS_UNREADABLE,      ///< a kernel structure could not be read
  FLOW_LOSS_CPU_OUT_OF_RANGE,
  FLOW_LOSS_UNKNOWN_VCPU, ///< a KVM event of a thread that no entry or exit has named yet
  FLOW_LOSS_NO_WAITER_PLACE, ///< more vCPUs wait for one CPU than FLOW_WAITERS
  FLOW_LOSS_NO_BLAME,        ///< no room for one more pair of victim and culprit
  FLOW_LOSS_NO_REQUEST,      ///< more disk requests in flight than FLOW_MAX_REQUESTS
  FLOW_LOSS_REQUEST_END,     ///< the end of a disk request was not seen
  FLOW_LOSS_NO_NESTED,       ///< more nested vCPUs than FLOW_MAX_NESTED: the VM's own sums are right all the same
  FLOW_LOSS_NO_DISK,         ///< no room for one more disk, or VM on a disk: its contention is not seen
  FLOW_LOSS_NO_TAP,          ///< no room for one more queue of a tap: its packets are not seen
  FLOW_LOSS_NO_WAKER,        ///< no room for one more pair of vCPUs that wake one another
  FLOW_LOSS_NO_VM,           ///< no record for the VM: its skew is not told
  FLOW_LOSSES
};

/// One VMM process. Writers: whoever begins or ends a request or packet of it, on any CPU, atomically.
struct vm_io {
  struct disk_count disk[FLOW_DISK_OPS];
  struct busy_clock disk_busy;  ///< users: requests that the host has not completed
  __u64 disk_contended_ns; ///< with one in flight while another VM has one on the same disk
  __u64 disk_waited_ns;    ///< of all requests' time: the disk served another VM
  __u64 disk_held_ns;      ///< of all requests' time: held back by the cgroup's io.max
  struct disk_claims claims;
  __u32 packet_tid; ///< the thread that has read or sent a packet since its last interrupt; 0: none
  __u32 net_seen;   ///< FLOW_NET_*: what of its packets can be seen
  struct net_count net[FLOW_NET_DIRECTIONS];
  struct busy_clock net_busy; ///< users: queues of its taps in which a packet waits for it
  __u64 net_waited_ns;
  __u64 net_dropped;
  __u64 interrupts[FLOW_WAKE_KINDS]; ///< given to its vCPUs
};

/// What a vector of a VM was about, fading: 1/8 is forgotten at each interrupt.
struct vector_key {
  __u32 tgid;
  __u32 vector; ///< of a vCPU: its id above bit 8, since each has vectors of its own
};
struct vector_past {
  __u32 disk;
  __u32 net;
  __u32 all;
};
#define FLOW_VECTOR_WEIGHT 1024u
#define FLOW_MAX_VECTORS 16384u

/// Whose fault it was that a VM waited for a CPU.
struct blame_key {
  __u64 kvm;  ///< the victim
  __u32 tgid; ///< its process
  __u32 culprit;      ///< enum flow_culprit
  __u64 culprit_kvm;  ///< of the vCPU that ran; 0: another thread
  __u32 culprit_tgid; ///< process, or the kernel thread itself; 0 for none and unknown
  __u32 pad;
};
struct blame {
  __u64 ns;
  char comm[16]; ///< of the first thread that was seen; hostile text
};
#define FLOW_MAX_BLAMES 16384u

/// One nested vCPU: a VMCB12 or VMCS12 of one VM.
struct nested_key {
  __u64 kvm;
  __u64 vmcb12; ///< its address, for the VM
  __u32 tgid;
  __u32 pad;
};

/// What is known of it. Writers: the vCPUs that enter it; all counts are added to atomically, since a hostile guest
/// may enter one VMCB12 from two vCPUs at once.
struct nested_record {
  __u64 root;       ///< of L1's page tables for it, at its last entry; 0: L1 uses no nested paging
  __u64 first_root; ///< at its first
  __u64 first_ns;
  __u64 last_ns; ///< its last event that is told below
  __u64 l0_ns;
  __u64 l1_ns;
  __u64 l2_ns;
  __u64 entries;
  __u64 deeper; ///< see struct nested_flow
  __u64 handled[FLOW_EXIT_CODES];   ///< exits from L2 by exit index, handled by L0
  __u64 reflected[FLOW_EXIT_CODES]; ///< and given to L1, under the reason that L1 sees
};
/// Nested vCPUs of all VMs together: a quarter of the default number of vCPUs, 3 MiB. User space forgets those that
/// have not run for long, so a VM that makes them up runs out of room, and into a counted loss, for a second.
#define FLOW_MAX_NESTED 1024u

/// Which vCPU of a VM wakes which. Writer: the wakee's own switch-in.
struct waker_key {
  __u64 kvm;
  __u32 tgid;
  __u32 vcpu;    ///< who was woken
  __u32 by_vcpu; ///< who sent the interrupt; FLOW_ANY_VCPU: not told
  __u32 pad;
};
struct waker_count {
  __u64 count;
  __u64 ns; ///< halted time that these wake-ups ended
};
// A VM of 128 vCPUs that all wake one another, or many smaller ones.
#define FLOW_MAX_WAKERS 16384u

/// Task storage of a vCPU thread.
struct task_slot {
  __u32 slot;
  __u32 generation;
};

#define FLOW_DEFAULT_MAX_VCPUS 4096u

/// Source: KVM_MP_STATE_* of linux/kvm.h, EINTR of asm-generic/errno-base.h.
#define FLOW_MP_UNINITIALIZED 1u
#define FLOW_MP_INIT_RECEIVED 2u
#define FLOW_MP_HALTED 3u
#define FLOW_EINTR 4

#ifdef __cplusplus
static_assert(sizeof(cpu_record) % 64 == 0);
static_assert(sizeof(vcpu_slot) % 8 == 0);
static_assert(sizeof(vm_skew) == 64);
#endif

#endif
