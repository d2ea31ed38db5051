// SPDX-License-Identifier: GPL-2.0-only
// Guests inside a guest: KVM tells when L1 enters one, which exits came from it, and which L1 gets. A vCPU that runs
// none pays one load and a branch at its entries.
// Blind: where L1 is entered without KVM saying so (a reset of the vCPU, a VMLAUNCH that the CPU refuses), that shows
// at its next exit and counts as an anomaly.
#ifndef VMFLOW_BPF_NESTED_BPF_H
#define VMFLOW_BPF_NESTED_BPF_H

// What a new record starts from: too large for a program's stack. Never written.
struct nested_record no_nested_record;

static __always_inline struct nested_record *nested_record_of(const struct vcpu_slot *slot) {
  struct nested_key key = {.kvm = slot->id.kvm, .vmcb12 = slot->nested.vmcb12, .tgid = slot->id.tgid};
  return bpf_map_lookup_elem(&nested_vcpus, &key);
}

static __noinline struct nested_record *new_nested_record(const struct vcpu_slot *slot, __u64 root,
                                                          __u64 now_ns) {
  struct nested_key key = {};
  struct nested_record *record;
  if (!slot) return 0;
  key.kvm = slot->id.kvm;
  key.vmcb12 = slot->nested.vmcb12;
  key.tgid = slot->id.tgid;
  bpf_map_update_elem(&nested_vcpus, &key, &no_nested_record, BPF_NOEXIST);
  record = bpf_map_lookup_elem(&nested_vcpus, &key);
  if (!record) {
    lose(FLOW_LOSS_NO_NESTED);
    return 0;
  }
  record->first_root = root;
  record->first_ns = now_ns;
  return record;
}

static __always_inline void add_credit(struct nested_record *record, const struct nested_credit *credit,
                                       __u64 now_ns) {
  __sync_fetch_and_add(&record->l0_ns, credit->l0_ns);
  __sync_fetch_and_add(&record->l1_ns, credit->l1_ns);
  __sync_fetch_and_add(&record->l2_ns, credit->l2_ns);
  record->last_ns = now_ns;
}

static __always_inline void count_handled(const struct vcpu_slot *slot, __u32 index, __u64 now_ns) {
  struct nested_record *record = index < FLOW_EXIT_CODES ? nested_record_of(slot) : 0;
  FLOW_FORGET(index);
  if (!record || index >= FLOW_EXIT_CODES) return;
  __sync_fetch_and_add(&record->handled[index], 1);
  record->last_ns = now_ns;
}

// L0 is done with an exit from L2, and enters L2 again.
static __noinline int enter_nested(struct vcpu_slot *slot, __u64 now_ns) {
  __u32 handled;
  if (!slot) return 0;
  begin_write(slot);
  handled = nested_entry(&slot->nested, &slot->flow);
  end_write(slot);
  count_handled(slot, handled, now_ns);
  return 0;
}

// L1 has executed VMRUN, VMLAUNCH or VMRESUME.
// Source: trace_kvm_nested_vmenter(rip, vmcb, nested_rip, int_ctl, event_inj, tdp_enabled, guest_tdp_pgd, guest_cr3,
// isa) in enter_svm_guest_mode() and nested_vmx_enter_non_root_mode(), since 6.1. Without nested paging the page
// tables are one process' of L2, and tell nothing.
SEC("raw_tp/kvm_nested_vmenter")
int BPF_PROG(on_kvm_nested_vmenter, __u64 rip, __u64 vmcb12, __u64 nested_rip, __u64 int_ctl, __u64 event_inj,
             bool has_tdp, __u64 tdp_root) {
  __u64 now_ns = bpf_ktime_get_ns(), root = has_tdp ? tdp_root : 0;
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  struct nested_record *record;
  struct nested_credit credit;
  if (!slot) return 0;
  tell_noted(cpu, slot);
  begin_write(slot);
  credit = nested_enter(&slot->nested, &slot->flow, vmcb12);
  end_write(slot);
  record_vcpu(cpu, slot, RING_NESTED_ENTER, now_ns, vmcb12, root, 0);
  record = nested_record_of(slot);
  if (!record) record = new_nested_record(slot, root, now_ns);
  if (record) {
    record->root = root;
    __sync_fetch_and_add(&record->entries, 1);
    add_credit(record, &credit, now_ns);
  }
  count_run(&cpu->cost[FLOW_PROG_NESTED_ENTRY], now_ns);
  return 0;
}

// The exit that kvm_exit has just told came from L2. Source: trace_kvm_nested_vmexit(vcpu, isa) in svm_handle_exit()
// and nested_vmx_reflect_vmexit(), since 5.16.
SEC("raw_tp/kvm_nested_vmexit")
int BPF_PROG(on_kvm_nested_vmexit, __u64 vcpu) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? vcpu_slot_of(cpu, vcpu, now_ns) : 0;
  __u32 handled;
  if (!slot) return 0;
  tell_noted(cpu, slot);
  begin_write(slot);
  handled = nested_exit(&slot->nested, &slot->flow);
  end_write(slot);
  record_vcpu(cpu, slot, RING_NESTED_EXIT, now_ns, 0, 0, 0);
  count_handled(slot, handled, now_ns);
  count_run(&cpu->cost[FLOW_PROG_NESTED_EXIT], now_ns);
  return 0;
}

// L1 gets an exit. Source: trace_kvm_nested_vmexit_inject(exit_code, exit_info1, exit_info2, exit_int_info,
// exit_int_info_err, isa) in nested_svm_vmexit() and nested_vmx_vmexit().
SEC("raw_tp/kvm_nested_vmexit_inject")
int BPF_PROG(on_kvm_nested_vmexit_inject, __u32 code) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  __u32 index = flow_exit_index(config.is_vmx, code), counts = 0;
  struct nested_record *record;
  struct nested_credit credit;
  if (!slot) return 0;
  tell_noted(cpu, slot);
  begin_write(slot);
  credit = nested_reflect(&slot->nested, &slot->flow, now_ns, config.is_vmx, index, &counts);
  end_write(slot);
  record_vcpu(cpu, slot, RING_NESTED_REFLECT, now_ns, code, 0, 0);
  record = nested_record_of(slot);
  FLOW_FORGET(index);
  if (record && index < FLOW_EXIT_CODES) {
    __sync_fetch_and_add(&record->reflected[index], counts);
    if (nested_runs_a_guest(config.is_vmx, index)) __sync_fetch_and_add(&record->deeper, counts);
    add_credit(record, &credit, now_ns);
  }
  count_run(&cpu->cost[FLOW_PROG_NESTED_REFLECT], now_ns);
  return 0;
}

#endif
