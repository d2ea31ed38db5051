// SPDX-License-Identifier: GPL-2.0-only
// Steps the nested levels of a vCPU inside the kernel, one drawn event each test-run.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "tests/bpf/nested_step.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct flow_step);
} step SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct nested_play);
} play SEC(".maps");

SEC("raw_tp/nested_step")
int play_step(void *ctx) {
  __u32 zero = 0;
  struct flow_step *s = bpf_map_lookup_elem(&step, &zero);
  struct nested_play *p = bpf_map_lookup_elem(&play, &zero);
  if (!s || !p) return -1;
  nested_play_step(p, s);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
