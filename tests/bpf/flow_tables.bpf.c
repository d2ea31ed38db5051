// SPDX-License-Identifier: GPL-2.0-only
// Steps the state machine through a drawn table inside the kernel, by test-run.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tests/bpf/flow_step.h"

struct flow_table_input {
  __u32 count;
  __u32 pad;
  struct flow_step steps[FLOW_STEPS_MAX];
};

struct flow_table_output {
  struct vcpu_mailbox mailbox;
  struct vcpu_flow flow;
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct flow_table_input);
} inputs SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct flow_table_output);
} outputs SEC(".maps");

SEC("raw_tp/flow_play")
int flow_play(void *ctx) {
  __u32 zero = 0;
  struct flow_table_input *in = bpf_map_lookup_elem(&inputs, &zero);
  struct flow_table_output *out = bpf_map_lookup_elem(&outputs, &zero);
  if (!in || !out) return -1;
  for (__u32 i = 0; i < FLOW_STEPS_MAX; i++) {
    if (i >= in->count) break;
    flow_play_step(&out->flow, &out->mailbox, &in->steps[i]);
  }
  return 0;
}

// One waker among several: posts wake-ups whose time and waker say the same.
SEC("raw_tp/flow_wake")
int flow_wake(__u64 *ctx) {
  __u32 zero = 0;
  struct flow_table_output *out = bpf_map_lookup_elem(&outputs, &zero);
  if (out) flow_post_wake(&out->mailbox, ctx[0], ctx[0]);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
