// SPDX-License-Identifier: GPL-2.0-only
// KVM's events: entry, exit, userspace exit, end of a halt, end of a vCPU. Raw tracepoints: they cost
// least and need no module BTF.
#ifndef VMFLOW_BPF_KVM_BPF_H
#define VMFLOW_BPF_KVM_BPF_H

// Where the exit code of the VMCB lies under which the vCPU has run, 0 if that cannot be read; noted if it is the vCPU's
// own, which it keeps for its life.
// Source: vcpu_svm.vmcb and vcpu_svm.vmcb01, between which svm_switch_vmcb() changes for guests of guests.
static __noinline __u64 present_code_at(struct vcpu_slot *slot, __u64 vcpu) {
  __u64 vmcb = 0, own = 0;
  if (bpf_probe_read_kernel(&vmcb, sizeof(vmcb), (void *)(vcpu + config.vmcb)) || !vmcb) return 0;
  if (slot && config.own_vmcb != FLOW_NO_OFFSET &&
      !bpf_probe_read_kernel(&own, sizeof(own), (void *)(vcpu + config.own_vmcb)) && own == vmcb)
    slot->own_code_at = vmcb + config.exit_code;
  return vmcb + config.exit_code;
}

// `at`: where AMD's lies. Returns 0 if it is not known.
static __always_inline __u32 read_exit_code(__u64 at, __u64 vcpu, __u64 first_argument, __u32 *code) {
  switch (config.exit_source) {
    case FLOW_EXIT_FROM_ARGUMENT:
      *code = first_argument;
      return 1;
    case FLOW_EXIT_FROM_VMCB:
      return at && !bpf_probe_read_kernel(code, sizeof(*code), (void *)at);
    case FLOW_EXIT_FROM_VMX:
      return !bpf_probe_read_kernel(code, sizeof(*code), (void *)(vcpu + config.exit_code));
    default:
      return 0;
  }
}

static __always_inline __u64 exit_code_at(struct vcpu_slot *slot, __u64 vcpu) {
  __u64 at = slot->own_code_at;
  if (config.exit_source != FLOW_EXIT_FROM_VMCB) return 0;
  return at && slot->flow.guest_state != FLOW_GUEST_NESTED ? at : present_code_at(slot, vcpu);
}

static __always_inline int step_exit(struct cpu_record *cpu, struct vcpu_slot *slot, __u64 now_ns,
                                     int is_known, __u32 code) {
  __u32 index = is_known ? flow_exit_index(config.is_vmx, code) : FLOW_EXIT_UNREADABLE;
  if (!is_known) lose(FLOW_LOSS_UNREADABLE);
  begin_write(slot);
  slot_exit(slot, now_ns, index, index == config.halt_code);
  end_write(slot);
  record_exit(cpu, slot, now_ns, code);
  count_run(&cpu->cost[FLOW_PROG_EXIT], now_ns);
  return 0;
}

// Source: trace_kvm_exit(vcpu, isa) since 5.16, (exit_reason, vcpu, isa) before.
SEC("raw_tp/kvm_exit")
int BPF_PROG(on_kvm_exit, __u64 first, __u64 second) {
  __u64 now_ns = bpf_ktime_get_ns();
  __u64 vcpu = config.exit_source == FLOW_EXIT_FROM_ARGUMENT ? second : first;
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot;
  __u32 code = 0, is_known;
  if (!cpu) return 0;
  if (cpu->entered == vcpu && read_exit_code(cpu->code_at, vcpu, first, &code)) {
    cpu->entered = 0;
    cpu->noted_code = code;
    FLOW_BARRIER();
    *(volatile __u64 *)&cpu->noted_ns = now_ns;
    if (is_recorded(RING_EXIT) && (slot = slot_at(cpu->slot))) record_exit(cpu, slot, now_ns, code);
    count_run(&cpu->cost[FLOW_PROG_EXIT], now_ns);
    return 0;
  }
  cpu->entered = 0;
  slot = vcpu_slot_of(cpu, vcpu, now_ns);
  if (!slot) return 0;
  tell_noted(cpu, slot);
  is_known = read_exit_code(exit_code_at(slot, vcpu), vcpu, first, &code);
  return step_exit(cpu, slot, now_ns, is_known, code);
}

static __always_inline int read_recorded_code(void *record, __u32 *code) {
  return !bpf_probe_read_kernel(code, sizeof(*code), record + config.record_code);
}

// Instead of the one above, where no structure tells the code. The record has no vCPU: it is the one
// that an entry has named on this CPU.
SEC("tp/kvm/kvm_exit")
int on_kvm_exit_record(void *record) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  __u32 code = 0;
  if (!slot) {
    if (following) lose(FLOW_LOSS_UNKNOWN_VCPU);
    return 0;
  }
  tell_noted(cpu, slot);
  return step_exit(cpu, slot, now_ns, read_recorded_code(record, &code), code);
}

// Exits whose code in the vendor's structure is the one in the record, and exits where it is not.
__u64 codes_equal, codes_differing;

// Attached for a second when the agent starts: the second source for where the code lies.
SEC("tp/kvm/kvm_exit")
int compare_exit_code(void *record) {
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  __u32 code = 0, recorded = 0;
  if (!slot || !read_recorded_code(record, &recorded)) return 0;
  if (read_exit_code(exit_code_at(slot, slot->id.vcpu), slot->id.vcpu, 0, &code) && code == recorded)
    __sync_fetch_and_add(&codes_equal, 1);
  else
    __sync_fetch_and_add(&codes_differing, 1);
  return 0;
}

static __always_inline void count_handling(struct exit_histogram *by_exit, struct flow_handled ended) {
  FLOW_FORGET(ended.exit_index);
  FLOW_FORGET(ended.bucket);
  if (ended.exit_index >= FLOW_EXIT_CODES || ended.bucket >= FLOW_EXIT_BUCKETS) return;
  by_exit[ended.exit_index].sum_ns += ended.ns;
  by_exit[ended.exit_index].bucket[ended.bucket]++;
}

// The noted exit and the entry at `now_ns` in one step, if nothing about them is special. Returns whether it was.
static __always_inline int step_round_trip(struct cpu_record *cpu, struct vcpu_slot *slot, __u64 now_ns,
                                           struct flow_handled *ended) {
  __u64 exit_ns = cpu->noted_ns;
  __u32 index;
  if (!exit_ns || !flow_is_plain(&slot->flow, exit_ns, now_ns)) return 0;
  index = flow_exit_index(config.is_vmx, cpu->noted_code);
  FLOW_FORGET(index);
  if (index >= FLOW_EXIT_CODES || index == config.halt_code) return 0;
  cpu->noted_ns = 0;
  begin_write(slot);
  *ended = flow_round_trip(&slot->flow, exit_ns, index, now_ns);
  end_write(slot);
  cpu->code_at = slot->own_code_at;
  return 1;
}

// Source: trace_kvm_entry(vcpu, …) since 5.10.
SEC("raw_tp/kvm_entry")
int BPF_PROG(on_kvm_entry, __u64 vcpu) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? vcpu_slot_of(cpu, vcpu, now_ns) : 0;
  struct flow_handled ended;
  if (!slot) return 0;
  if (!step_round_trip(cpu, slot, now_ns, &ended)) {
    tell_noted(cpu, slot);
    if (slot->flow.guest_state) enter_nested(slot, now_ns);
    begin_write(slot);
    ended = flow_entry(&slot->flow, now_ns);
    end_write(slot);
    cpu->code_at = slot->flow.guest_state ? 0 : slot->own_code_at;
  }
  cpu->entered = vcpu;
  record_vcpu(cpu, slot, RING_ENTRY, now_ns, 0, 0, 0);
  if (ended.exit_index != FLOW_EXIT_NONE && !gives_up(FLOW_DETAIL_DURATIONS)) count_handling(&cpu->handled[0], ended);
  count_run(&cpu->cost[FLOW_PROG_ENTRY], now_ns);
  return 0;
}

// Source: trace_kvm_userspace_exit(reason, errno), after the last vcpu_put of KVM_RUN.
SEC("raw_tp/kvm_userspace_exit")
int BPF_PROG(on_kvm_userspace_exit, __u32 reason, int error) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  if (!slot) {
    if (following) lose(FLOW_LOSS_UNKNOWN_VCPU);
    return 0;
  }
  if (error == -FLOW_EINTR)
    reason = FLOW_KVM_EXIT_INTR;
  else if (error < 0)
    reason = FLOW_USERSPACE_ERROR;
  else if (reason >= FLOW_USERSPACE_ERROR)
    reason = FLOW_USERSPACE_OUT_OF_RANGE;
  tell_noted(cpu, slot);
  begin_write(slot);
  flow_userspace_exit(&slot->flow, now_ns, reason);
  end_write(slot);
  record_vcpu(cpu, slot, RING_USERSPACE_EXIT, now_ns, reason, error, 0);
  count_run(&cpu->cost[FLOW_PROG_USERSPACE_EXIT], now_ns);
  return 0;
}

// KVM_RUN is entered. Source: trace_kvm_fpu(load) in kvm_load_guest_fpu(), the first thing that
// kvm_arch_vcpu_ioctl_run() does with a vCPU; load is 0 on the way back.
SEC("raw_tp/kvm_fpu")
int BPF_PROG(on_kvm_fpu, int load) {
  __u64 now_ns, vcpu;
  struct task_struct *task;
  struct vcpu_slot *slot;
  struct cpu_record *cpu;
  if (!load) return 0;
  now_ns = bpf_ktime_get_ns();
  cpu = this_cpu();
  if (!cpu) return 0;
  slot = slot_at(cpu->slot);
  task = bpf_get_current_task_btf();
  vcpu = (__u64)task->preempt_notifiers.first - config.preempt_notifier;
  if (!slot || slot->id.vcpu != vcpu || slot->end.destroyed_ns) {
    vcpu = vcpu_run_by(task);
    slot = vcpu ? bind_slot(cpu, vcpu, now_ns) : 0;
  }
  if (!slot) return 0;
  tell_noted(cpu, slot);
  begin_write(slot);
  flow_run(&slot->flow, now_ns);
  end_write(slot);
  record_vcpu(cpu, slot, RING_RUN, now_ns, 0, 0, 0);
  count_run(&cpu->cost[FLOW_PROG_RUN], now_ns);
  return 0;
}

// Source: trace_kvm_vcpu_wakeup(ns, waited, valid) at the end of kvm_vcpu_halt(). How much of it was
// polling KVM has just added to its own statistics; without those, a halt that did not wait was all
// polling and one that waited none.
SEC("raw_tp/kvm_vcpu_wakeup")
int BPF_PROG(on_kvm_vcpu_wakeup, __u64 halt_ns, bool waited, bool valid) {
  __u64 now_ns = bpf_ktime_get_ns(), polled_ns = waited ? 0 : halt_ns, total_ns;
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  if (!slot) {
    if (following) lose(FLOW_LOSS_UNKNOWN_VCPU);
    return 0;
  }
  if (config.poll_success_ns != FLOW_NO_OFFSET && config.poll_fail_ns != FLOW_NO_OFFSET) {
    total_ns = read_u64(slot->id.vcpu, config.poll_success_ns) +
               read_u64(slot->id.vcpu, config.poll_fail_ns);
    polled_ns = total_ns - slot->polled_ns;
    slot->polled_ns = total_ns;
  }
  tell_noted(cpu, slot);
  begin_write(slot);
  flow_halt_end(&slot->flow, now_ns, polled_ns, waited, valid);
  end_write(slot);
  record_vcpu(cpu, slot, RING_HALT_END, now_ns, halt_ns, polled_ns, waited | valid << 1);
  count_run(&cpu->cost[FLOW_PROG_WAKEUP], now_ns);
  return 0;
}

// kvm_arch_vcpu_destroy(vcpu): the VM's last file is closed. There is no tracepoint for it.
static __always_inline int end_vcpu(__u64 vcpu) {
  __u64 now_ns = bpf_ktime_get_ns();
  __u32 *index = bpf_map_lookup_elem(&vcpu_index, &vcpu);
  struct vcpu_slot *slot = index ? slot_at(*index) : 0;
  struct cpu_record *cpu = this_cpu();
  if (slot) end_in_vm(slot, now_ns);
  bpf_map_delete_elem(&vcpu_index, &vcpu);
  if (cpu) count_run(&cpu->cost[FLOW_PROG_DESTROY], now_ns);
  return 0;
}

SEC("kprobe/kvm_arch_vcpu_destroy")
int on_vcpu_destroy(struct pt_regs *ctx) { return end_vcpu(PT_REGS_PARM1(ctx)); }

// The same where KVM is built in and the kernel has no kprobes.
SEC("fentry/kvm_arch_vcpu_destroy")
int on_vcpu_destroy_fentry(__u64 *ctx) { return end_vcpu(ctx[0]); }

#endif
