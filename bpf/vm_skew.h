// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// Skew of a VM: time in which one of its vCPUs runs while another one is ready. Common subset of C and C++20.
//
// Every vCPU has one part in its VM's sum: on a CPU, ready, or neither. It is exchanged for the next one, and the sum
// is moved by the difference: whatever events are lost, a vCPU is never in the sum twice, and the next one mends it.
// The sum is one word, so that exactly one step sees the predicate become true and exactly one sees it become false.
// These add their times to one number, minus and plus: right in any order, and without a lock.
#ifndef VMFLOW_BPF_VM_SKEW_H
#define VMFLOW_BPF_VM_SKEW_H

#include <linux/types.h>

/// What a vCPU adds to its VM's sum.
#define FLOW_PART_NONE 0ull
#define FLOW_PART_ON_CPU 1ull
#define FLOW_PART_READY (1ull << 32)

/// One VM. Writers: whoever steps a vCPU of it, on any CPU, with atomics; user space gives it back.
struct vm_skew {
  __u64 kvm;      ///< address of struct kvm
  __u64 taken_ns; ///< when it was taken: the skew is younger
  __u64 parts;    ///< sum over its vCPUs: on a CPU in the low half, ready in the high one
  __s64 skew_ns;  ///< ends less beginnings: with a beginning that has no end yet, far below 0
  __u32 vcpus;    ///< slots that refer to it; 0: free
  __u32 pad;
  __u64 pad_line[3]; // VMs do not share a cache line
};

/// Index 0 means "none", as with slots.
#define FLOW_NO_VM 0u

static inline __attribute__((always_inline)) int flow_is_skewed(__u64 parts) {
  return (__u32)parts && parts >> 32;
}

/// The vCPU whose part is `*part` is `to` from `now_ns` on.
/// Threads: any; the steps of one vCPU in the order of the exchanges.
static inline __attribute__((always_inline)) void flow_move_part(struct vm_skew *vm, __u64 *part, __u64 to,
                                                                 __u64 now_ns) {
  __u64 from, before;
  int was;
  if (*(volatile __u64 *)part == to) return;
  from = __sync_lock_test_and_set(part, to);
  if (from == to) return;
  before = __sync_fetch_and_add(&vm->parts, to - from);
  was = flow_is_skewed(before);
  if (was == flow_is_skewed(before + (to - from))) return;
  __sync_fetch_and_add(&vm->skew_ns, was ? (__s64)now_ns : -(__s64)now_ns);
}

#endif
