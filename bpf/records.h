// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What the kernel maps hold and user space reads: the one place for its shapes, sizes and indices.
// Common subset of C and C++20. Numbers only: what a code means is said in analysis/.
#ifndef VMFLOW_BPF_RECORDS_H
#define VMFLOW_BPF_RECORDS_H

#include <linux/types.h>

#include "vcpu_flow.h"

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

/// One vCPU. Writers: identity, seq and flow by the vCPU's own events; mailbox by its wakers.
/// A reader copies the slot between two equal, even values of seq (see agent/sources/slot_reader).
struct vcpu_slot {
  __u32 seq; ///< odd while flow is being changed
  __u32 in_use;
  struct vcpu_identity id;
  struct vcpu_end end;
  struct vcpu_mailbox mailbox;
  __u64 polled_ns; ///< KVM's own halt-poll time when it was last read
  struct vcpu_flow flow;
};

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
  FLOW_PROG_THREAD_EXIT,
  FLOW_PROG_DESTROY,
  FLOW_PROGS
};
#define FLOW_SAMPLE_EVERY 1024u

struct program_cost {
  __u64 runs;
  __u64 timed_runs;
  __u64 timed_ns;
};

/// An interrupt that KVM has given to a vCPU on this CPU, for the wake-up that follows it.
struct given_irq {
  __u64 ns;
  __u32 tid;        ///< in whose context; 0: none
  __u32 vcpu_id;    ///< FLOW_ANY_VCPU: not told
  __u32 kind;       ///< enum flow_wake_kind
  __u32 is_hardirq; ///< out of an interrupt of the host
};
#define FLOW_ANY_VCPU 0xffffffffu

/// What one CPU keeps for itself: the vCPU that runs on it, and what our programs cost there.
struct cpu_record {
  __u32 slot;       ///< FLOW_NO_SLOT: no known vCPU runs here
  __u32 routed_tid; ///< who has looked up a device's interrupt here last; 0: nobody since the last one
  __u64 routed_ns;  ///< when
  __u64 preempt_count; ///< address of this CPU's; 0: not found
  struct given_irq given;
  struct program_cost cost[FLOW_PROGS];
  __u64 align[4]; ///< to a multiple of 64 bytes: CPUs do not share a cache line
};

/// Why an event could not be counted. Each is a counter of its own per CPU.
enum flow_loss {
  FLOW_LOSS_NO_FREE_SLOT,    ///< more vCPUs than --max-vcpus
  FLOW_LOSS_NO_TASK_STORAGE, ///< the kernel had no memory to remember the thread
  FLOW_LOSS_NO_VCPU_INDEX,   ///< the index from vCPU to slot was full
  FLOW_LOSS_UNREADABLE,      ///< a kernel structure could not be read
  FLOW_LOSS_CPU_OUT_OF_RANGE,
  FLOW_LOSS_UNKNOWN_VCPU, ///< a KVM event of a thread that no entry or exit has named yet
  FLOW_LOSSES
};

/// Host-wide handling time of one exit reason; one per CPU and exit index.
struct exit_histogram {
  __u64 sum_ns;
  __u64 bucket[FLOW_EXIT_BUCKETS];
};

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
#endif

#endif
