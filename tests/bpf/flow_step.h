// SPDX-License-Identifier: GPL-2.0-only
// One drawn event, and the one way to step it. Common subset of C and C++20: the kernel program of
// the tests and the native tests both include it.
#ifndef VMFLOW_TESTS_BPF_FLOW_STEP_H
#define VMFLOW_TESTS_BPF_FLOW_STEP_H

#include "bpf/vcpu_flow.h"

enum flow_step_kind {
  STEP_ENTRY,
  STEP_EXIT,            // a: exit index, b: is it a HLT
  STEP_USERSPACE_EXIT,  // a: userspace exit index
  STEP_OUT,             // a: the state slept in, or FLOW_READY; b: enum flow_block, plus 1
  STEP_IN,              // a: inside KVM_RUN, b: ns of it with a disk request in flight
  STEP_HALT_END,        // a: polled ns, b: waited
  STEP_WAKE,            // posted to the mailbox by another CPU; a: flow_waker()
  STEP_ACCEPT,          // the vCPU gives an interrupt to itself
  STEP_WAIT,            // listed as a waiter of a CPU, since a; b: throttled
  STEP_BLAME,  // a: who held the CPU until now, b: throttled from now on, above it ns in interrupts
  STEP_RUN,    // KVM_RUN is entered
  STEP_END
};

struct flow_step {
  __u64 at_ns;
  __u32 kind;
  __u32 b;
  __u64 a;
};

#define FLOW_STEPS_MAX 64u

FLOW_FN void flow_play_step(struct vcpu_flow* f, struct vcpu_mailbox* m,
                            const struct flow_step* s) {
  if (s->kind == STEP_ENTRY)
    flow_entry(f, s->at_ns);
  else if (s->kind == STEP_EXIT)
    flow_exit(f, s->at_ns, (__u32)s->a, s->b);
  else if (s->kind == STEP_USERSPACE_EXIT)
    flow_userspace_exit(f, s->at_ns, (__u32)s->a);
  else if (s->kind == STEP_OUT) {
    flow_out(f, s->at_ns, (__u32)s->a);
    if (s->b) f->block = s->b - 1;
  } else if (s->kind == STEP_IN)
    flow_in(f, m, s->at_ns, (__u32)s->a, s->b, s->b / 2);
  else if (s->kind == STEP_HALT_END)
    flow_halt_end(f, s->at_ns, s->a, s->b, 1);
  else if (s->kind == STEP_WAKE)
    flow_post_wake(m, s->at_ns, s->a);
  else if (s->kind == STEP_ACCEPT)
    flow_accept(f);
  else if (s->kind == STEP_WAIT)
    flow_wait(f, s->a, s->b);
  else if (s->kind == STEP_BLAME)
    flow_blame(f, s->at_ns, (__u32)s->a, s->b & 1, s->b >> 1);
  else if (s->kind == STEP_RUN)
    flow_run(f, s->at_ns);
  else if (s->kind == STEP_END)
    flow_end(f, s->at_ns);
}

#endif
