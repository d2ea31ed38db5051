// SPDX-License-Identifier: GPL-2.0-only
// The record of a VM for its skew, and the steps of its vCPUs in it.
#ifndef VMFLOW_BPF_SKEW_BPF_H
#define VMFLOW_BPF_SKEW_BPF_H

// One more slot refers to `vm`. 0: it has just been given back.
static __always_inline int join_vm(struct vm_skew *vm) {
  for (int tries = 0; tries < 8; tries++) {
    __u32 vcpus = *(volatile __u32 *)&vm->vcpus;
    if (!vcpus) return 0;
    if (__sync_val_compare_and_swap(&vm->vcpus, vcpus, vcpus + 1) == vcpus) return 1;
  }
  return 0;
}

// The index of the VM `kvm`, a new one if it has none. Two of its vCPUs may come here at once: one gives its back.
static __always_inline __u32 vm_of(__u64 kvm, __u64 now_ns) {
  __u32 *known = bpf_map_lookup_elem(&vm_index, &kvm), index = FLOW_NO_VM;
  struct vm_skew *vm = known ? bpf_map_lookup_elem(&vm_skews, known) : 0;
  if (vm && join_vm(vm)) return *known;
  if (bpf_map_pop_elem(&free_vms, &index) || !(vm = bpf_map_lookup_elem(&vm_skews, &index))) {
    lose(FLOW_LOSS_NO_VM);
    return FLOW_NO_VM;
  }
  vm->kvm = kvm;
  vm->taken_ns = now_ns;
  vm->vcpus = 1;
  if (!bpf_map_update_elem(&vm_index, &kvm, &index, BPF_NOEXIST)) return index;
  vm->vcpus = 0;
  bpf_map_push_elem(&free_vms, &index, BPF_ANY);
  known = bpf_map_lookup_elem(&vm_index, &kvm);
  vm = known ? bpf_map_lookup_elem(&vm_skews, known) : 0;
  if (vm && join_vm(vm)) return *known;
  lose(FLOW_LOSS_NO_VM);
  return FLOW_NO_VM;
}

// A slot that was never in use refers to its VM no longer. It is not the VM's only one.
static __always_inline void leave_vm(struct vcpu_slot *slot) {
  struct vm_skew *vm = bpf_map_lookup_elem(&vm_skews, &slot->vm);
  if (vm && slot->vm != FLOW_NO_VM) __sync_fetch_and_add(&vm->vcpus, -1);
  slot->vm = FLOW_NO_VM;
}

static __always_inline void move_part(struct vcpu_slot *slot, __u64 to, __u64 now_ns) {
  struct vm_skew *vm = bpf_map_lookup_elem(&vm_skews, &slot->vm);
  if (vm && slot->vm != FLOW_NO_VM) flow_move_part(vm, &slot->part, to, now_ns);
}

// KVM has destroyed the vCPU, and does so with all of its VM: another one may get the address.
static __always_inline void end_in_vm(struct vcpu_slot *slot, __u64 now_ns) {
  slot->end.destroyed_ns = now_ns;
  move_part(slot, FLOW_PART_NONE, now_ns);
  bpf_map_delete_elem(&vm_index, &slot->id.kvm);
}

// A vCPU that waits for a CPU: while the quota of its cgroup is used up it is not ready.
static __always_inline void move_waiting(struct vcpu_slot *slot, __u32 throttled, __u64 now_ns) {
  move_part(slot, throttled ? FLOW_PART_NONE : FLOW_PART_READY, now_ns);
}

#endif
