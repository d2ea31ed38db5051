// SPDX-License-Identifier: GPL-2.0-only
// One drawn event of a vCPU that may run guests of its own, and the one way to step it: as the
// programs of bpf/kvm.bpf.h and bpf/nested.bpf.h do, but for the map of nested vCPUs, of which
// there are two here. Common subset of C and C++20.
#ifndef VMFLOW_TESTS_BPF_NESTED_STEP_H
#define VMFLOW_TESTS_BPF_NESTED_STEP_H

#include "bpf/nested_flow.h"
#include "tests/bpf/flow_step.h"

enum nested_step_kind {
  STEP_NESTED_ENTER = STEP_END + 1,  // kvm_nested_vmenter; a: VMCB12
  STEP_NESTED_EXIT,                  // kvm_nested_vmexit
  STEP_NESTED_REFLECT,               // kvm_nested_vmexit_inject; a: exit index, b: is it VMX
};

#define NESTED_BOOKS 2u
/// Of exits, those with an index below this are told apart.
#define NESTED_BOOK_EXITS FLOW_EXIT_CODES

/// What a nested vCPU's record would hold.
struct nested_book {
  __u64 vmcb12;
  __u64 l0_ns;
  __u64 l1_ns;
  __u64 l2_ns;
  __u64 entries;
  __u64 deeper;
  __u64 handled[NESTED_BOOK_EXITS];
  __u64 reflected[NESTED_BOOK_EXITS];
};

/// One vCPU, and the nested vCPUs that it runs.
struct nested_play {
  struct vcpu_flow flow;
  struct vcpu_mailbox mailbox;
  struct nested_flow nested;
  struct nested_book book[NESTED_BOOKS];
};

FLOW_FN struct nested_book* nested_book_of(struct nested_play* p) {
  if (p->book[0].vmcb12 == p->nested.vmcb12) return &p->book[0];
  if (p->book[1].vmcb12 == p->nested.vmcb12) return &p->book[1];
  return 0;
}

FLOW_FN void nested_book_add(struct nested_book* book, const struct nested_credit* credit) {
  book->l0_ns += credit->l0_ns;
  book->l1_ns += credit->l1_ns;
  book->l2_ns += credit->l2_ns;
}

FLOW_FN void nested_play_enter(struct nested_play* p, __u64 vmcb12) {
  struct nested_credit credit = nested_enter(&p->nested, &p->flow, vmcb12);
  struct nested_book* book = nested_book_of(p);
  if (!book) {
    book = p->book[0].entries ? &p->book[1] : &p->book[0];
    book->vmcb12 = vmcb12;
  }
  book->entries++;
  nested_book_add(book, &credit);
}

FLOW_FN void nested_play_handled(struct nested_play* p, __u32 index) {
  struct nested_book* book = nested_book_of(p);
  FLOW_FORGET(index);
  if (book && index < NESTED_BOOK_EXITS) book->handled[index]++;
}

FLOW_FN void nested_play_reflect(struct nested_play* p, __u64 now_ns, __u32 index, __u32 is_vmx) {
  __u32 counts = 0;
  struct nested_credit credit =
      nested_reflect(&p->nested, &p->flow, now_ns, is_vmx, index, &counts);
  struct nested_book* book = nested_book_of(p);
  FLOW_FORGET(index);
  if (!book || index >= NESTED_BOOK_EXITS) return;
  book->reflected[index] += counts;
  if (nested_runs_a_guest(is_vmx, index)) book->deeper += counts;
  nested_book_add(book, &credit);
}

FLOW_FN void nested_play_step(struct nested_play* p, const struct flow_step* s) {
  if (s->kind == STEP_NESTED_ENTER) {
    nested_play_enter(p, s->a);
  } else if (s->kind == STEP_NESTED_EXIT) {
    nested_play_handled(p, nested_exit(&p->nested, &p->flow));
  } else if (s->kind == STEP_NESTED_REFLECT) {
    nested_play_reflect(p, s->at_ns, (__u32)s->a, s->b);
  } else {
    if (s->kind == STEP_ENTRY && p->flow.guest_state)
      nested_play_handled(p, nested_entry(&p->nested, &p->flow));
    flow_play_step(&p->flow, &p->mailbox, s);
    if (s->kind == STEP_EXIT && s->b) nested_halt(&p->nested, &p->flow);
  }
}

#endif
