// SPDX-License-Identifier: GPL-2.0-only
// The floor: what it costs to be called at all. Programs that do nothing, or nothing but read the
// clock, which whoever tells time must do at least.
// The second needs the first.
// clang-format off
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
// clang-format on

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sched_switch")
int empty_sched_switch(void* ctx) {
  return 0;
}

SEC("tp_btf/sched_waking")
int empty_sched_waking(void* ctx) {
  return 0;
}

SEC("raw_tp/kvm_exit")
int empty_kvm_exit(void* ctx) {
  return 0;
}

SEC("raw_tp/kvm_entry")
int empty_kvm_entry(void* ctx) {
  return 0;
}

SEC("raw_tp/kvm_exit")
int clock_kvm_exit(void* ctx) {
  bpf_ktime_get_ns();
  return 0;
}

SEC("raw_tp/kvm_entry")
int clock_kvm_entry(void* ctx) {
  bpf_ktime_get_ns();
  return 0;
}
