// SPDX-License-Identifier: GPL-2.0-only
// Which vCPU of a VM ends the halts of which: kept from the wake-up to the switch-in.
#ifndef VMFLOW_BPF_WAKER_BPF_H
#define VMFLOW_BPF_WAKER_BPF_H

// What the mailbox keeps of a waker: of an IPI the vCPU that runs here, else the thread.
static __always_inline __u64 waker_of(const struct cpu_record *cpu, __u32 kind) {
  const struct vcpu_slot *sender;
  if (kind != FLOW_WAKE_IPI) return flow_waker((__u32)bpf_get_current_pid_tgid(), kind);
  sender = running_slot(cpu);
  return flow_waker(sender ? sender->id.vcpu_id : FLOW_ANY_VCPU, kind);
}

// A halt of `ns` of `slot` was ended by a sibling's interrupt. Only its own switch-in comes here, so that a count
// has one writer.
static __always_inline void count_waker(struct vcpu_slot *slot, __u64 ns) {
  struct waker_key key = {.kvm = slot->id.kvm, .tgid = slot->id.tgid, .vcpu = slot->id.vcpu_id};
  struct waker_count first = {.count = 1, .ns = ns}, *known;
  key.by_vcpu = flow_newest_waker(&slot->mailbox);
  known = bpf_map_lookup_elem(&wakers, &key);
  if (known) {
    known->count++;
    known->ns += ns;
  } else if (bpf_map_update_elem(&wakers, &key, &first, BPF_NOEXIST)) {
    lose(FLOW_LOSS_NO_WAKER);
  }
}

#endif
