// SPDX-License-Identifier: GPL-2.0-only
// The scheduler's events of vCPU threads. A thread that is none costs one load and a branch: it has
// no task storage.
#ifndef VMFLOW_BPF_SCHED_BPF_H
#define VMFLOW_BPF_SCHED_BPF_H

// include/linux/sched.h
#define TASK_STOPPED_OR_TRACED (0x4 | 0x8)

// What a thread that leaves the CPU goes into. Source: kvm_vcpu_running() and vcpu_block() of
// arch/x86/kvm/x86.c for mp_state: UNINITIALIZED and INIT_RECEIVED wait for INIT or SIPI.
// A VMM pauses a vCPU by kicking it out of KVM_RUN and keeping it asleep; one that waits for a lock after a
// kick looks alike.
static __always_inline __u32 state_after_out(const struct task_struct *task,
                                             const struct vcpu_slot *slot, bool preempt,
                                             __u32 task_state) {
  __u32 mp_state;
  if (preempt || task_state == 0) return FLOW_READY;
  if (task_state & TASK_STOPPED_OR_TRACED) return FLOW_PAUSED;
  if (!in_kvm_run(task))
    return slot->flow.last_userspace == FLOW_KVM_EXIT_INTR ? FLOW_PAUSED : FLOW_VMM_BLOCKED;
  mp_state = read_u32(slot->id.vcpu, config.mp_state);
  if (mp_state == FLOW_MP_HALTED || mp_state == FLOW_MP_UNINITIALIZED ||
      mp_state == FLOW_MP_INIT_RECEIVED)
    return FLOW_HALTED;
  return FLOW_VMM_BLOCKED;
}

// x86_64. The kernel's registers have other names than those of linux/ptrace.h.
#define SYSCALL_FUTEX 202
struct pt_regs___kernel {
  unsigned long orig_ax;
} __attribute__((preserve_access_index));

// What a thread sleeps in that leaves the CPU for FLOW_VMM_BLOCKED. Memory needs the fault to be the open exit, or KVM
// to have halted the vCPU for it; a lock needs to be the VMM's futex. Blind: a fault of the VMM's own code is io
// if it reads a disk, other if it does not.
static __always_inline __u32 block_of(struct task_struct *task, const struct vcpu_slot *slot) {
  struct pt_regs___kernel *registers;
  __u8 halted = 0;
  if (in_kvm_run(task)) {
    if (config.apf_halted != FLOW_NO_OFFSET &&
        bpf_probe_read_kernel(&halted, 1, (void *)(slot->id.vcpu + config.apf_halted)))
      lose(FLOW_LOSS_UNREADABLE);
    if (halted || slot->flow.exit_index == config.fault_code) return FLOW_BLOCK_MEMORY;
  }
  if (BPF_CORE_READ_BITFIELD(task, in_iowait)) return FLOW_BLOCK_IO;
  registers = (void *)bpf_task_pt_regs(task);
  if (!in_kvm_run(task) && registers && BPF_CORE_READ(registers, orig_ax) == SYSCALL_FUTEX)
    return FLOW_BLOCK_LOCK;
  return FLOW_BLOCK_OTHER;
}

// The vCPU in `slot` leaves this CPU, whose task `prev` is.
static __always_inline void leave_cpu(struct cpu_record *cpu, struct vcpu_slot *slot, __u32 index,
                                      struct task_struct *prev, struct task_struct *next,
                                      const struct vcpu_slot *next_slot, __u32 state, __u64 now_ns) {
  struct vm_io *io;
  begin_write(slot);
  flow_out(&slot->flow, now_ns, state);
  if (state == FLOW_VMM_BLOCKED) slot->flow.block = block_of(prev, slot);
  if (state == FLOW_HALTED) {
    io = gives_up(FLOW_DETAIL_DEVICES) ? 0 : io_of(slot->id.tgid);
    slot->disk_out_ns = slot->disk_wake_ns = io ? busy_read(&io->disk_busy, now_ns) : FLOW_BUSY_UNTOLD;
    slot->net_out_ns = slot->net_wake_ns = io ? busy_read(&io->net_busy, now_ns) : FLOW_BUSY_UNTOLD;
  }
  if (state == FLOW_READY) {
    slot->task = (__u64)prev;
    flow_wait(&slot->flow, now_ns, is_throttled(prev));
    list_waiter(cpu, bpf_get_smp_processor_id(), slot, index, now_ns);
    move_waiting(slot, slot->flow.throttled, now_ns);
    count_preemption(slot, next, next_slot);
  } else {
    move_part(slot, FLOW_PART_NONE, now_ns);
  }
  end_write(slot);
  record_vcpu(cpu, slot, RING_OUT, now_ns, state | (__u64)slot->flow.block << 32, slot->flow.throttled, 0);
}

// The vCPU in slot `index` gets this CPU. A function of its own for the verifier, which looks at it once.
__noinline int come_to_cpu(__u32 index, __u32 in_kvm_run, __u64 now_ns) {
  struct vcpu_slot *slot = slot_at(index);
  __u64 ipi_ns, disk_ns, net_ns;
  struct cpu_record *cpu;
  if (!slot) return 0;
  ipi_ns = slot->flow.wait_ns[FLOW_WAKE_IPI];
  disk_ns = busy_between(slot->disk_out_ns, slot->disk_wake_ns);
  net_ns = busy_between(slot->net_out_ns, slot->net_wake_ns);
  begin_write(slot);
  flow_in(&slot->flow, &slot->mailbox, now_ns, in_kvm_run, disk_ns, net_ns);
  end_write(slot);
  if (is_recorded(RING_IN) && (cpu = this_cpu()))
    record_vcpu(cpu, slot, RING_IN, now_ns, in_kvm_run, disk_ns, net_ns);
  move_part(slot, FLOW_PART_ON_CPU, now_ns);
  ipi_ns = slot->flow.wait_ns[FLOW_WAKE_IPI] - ipi_ns;
  if (ipi_ns && !gives_up(FLOW_DETAIL_DURATIONS)) count_waker(slot, ipi_ns);
  return 0;
}

// Whoever had this CPU until now is the culprit of those who waited for it; `next` does so no longer.
static __always_inline void tell_waiters(struct cpu_record *cpu, struct task_struct *prev,
                                         const struct vcpu_slot *prev_slot, struct vcpu_slot *next,
                                         __u32 next_index, __u64 now_ns) {
  struct holder holder = {};
  describe_holder(&holder, prev, prev->pid, prev->tgid, prev->flags, prev_slot);
  if (next && next->waits_at) end_waiting(cpu, next, next_index, &holder, now_ns);
  if (cpu->waiting) blame_waiters(cpu, &holder, now_ns);
}

SEC("tp_btf/sched_switch")
int on_sched_switch(__u64 *ctx) {
  struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
  int is_vcpu = prev->bpf_storage || next->bpf_storage || in_kvm_run(prev);
  __u32 index = FLOW_NO_SLOT, next_index = FLOW_NO_SLOT;
  struct vcpu_slot *slot, *next_slot;
  struct cpu_record *cpu;
  __u64 now_ns, vcpu;
  if (!is_vcpu && !*(volatile __s32 *)&waiters) return 0;
  cpu = this_cpu();
  if (!cpu || (!is_vcpu && !cpu->waiting)) return 0;
  now_ns = bpf_ktime_get_ns();
  forget_irqs(cpu);
  slot = prev->bpf_storage ? thread_slot(prev, &index) : 0;
  // In its first KVM_RUN, before it has entered the guest.
  if (!slot && (vcpu = vcpu_run_by(prev)) && (slot = bind_slot(cpu, vcpu, now_ns))) index = cpu->slot;
  if (slot) tell_noted(cpu, slot);
  next_slot = next->bpf_storage ? thread_slot(next, &next_index) : 0;
  record_switch(cpu, prev, next, !!next_slot, now_ns, !!ctx[0],
                config.switch_has_prev_state ? (__u32)ctx[3] : prev->__state);
  if (cpu->waiting) tell_waiters(cpu, prev, slot, next_slot, next_index, now_ns);
  if (slot)
    leave_cpu(cpu, slot, index, prev, next, next_slot,
              state_after_out(prev, slot, ctx[0],
                              config.switch_has_prev_state ? (__u32)ctx[3] : prev->__state),
              now_ns);
  if (next_slot) come_to_cpu(next_index, in_kvm_run(next), now_ns);
  cpu->slot = next_slot ? next_index : FLOW_NO_SLOT;
  cpu->entered = cpu->noted_ns = 0;
  count_run(&cpu->cost[FLOW_PROG_SWITCH], now_ns);
  return 0;
}

// In the waker's context, with the lock of the wakee's state held.
SEC("tp_btf/sched_waking")
int on_sched_waking(__u64 *ctx) {
  struct task_struct *wakee = (void *)ctx[0];
  __u64 now_ns;
  struct cpu_record *cpu;
  struct vm_io *io;
  struct vcpu_slot *slot;
  __u64 waker;
  __u32 index;
  if (!wakee->bpf_storage) return 0;
  now_ns = bpf_ktime_get_ns();
  slot = thread_slot(wakee, &index);
  cpu = this_cpu();
  if (!slot || !cpu) return 0;
  if (slot->flow.state == FLOW_HALTED && slot->disk_out_ns != FLOW_BUSY_UNTOLD && (io = io_of(slot->id.tgid))) {
    slot->disk_wake_ns = busy_read(&io->disk_busy, now_ns);
    slot->net_wake_ns = busy_read(&io->net_busy, now_ns);
  }
  waker = waker_of(cpu, gives_up(FLOW_DETAIL_CAUSES) ? FLOW_WAKE_BARE : wake_kind(cpu, slot, now_ns));
  flow_post_wake(&slot->mailbox, now_ns, waker);
  record_here(cpu, slot, RING_WAKE, now_ns, slot->id.tid | (__u64)cpu_of(wakee) << 32, waker, 0);
  if (flow_sleeps(&slot->flow) && !slot->waits_at) list_woken(slot, index, wakee, now_ns);
  count_run(&cpu->cost[FLOW_PROG_WAKING], now_ns);
  return 0;
}

SEC("tp_btf/sched_process_exit")
int on_thread_exit(__u64 *ctx) {
  struct task_struct *task = (void *)ctx[0];
  __u64 now_ns;
  struct cpu_record *cpu;
  struct vcpu_slot *slot;
  __u32 index;
  if (!task->bpf_storage) return 0;
  now_ns = bpf_ktime_get_ns();
  slot = thread_slot(task, &index);
  cpu = this_cpu();
  if (!slot || !cpu) return 0;
  tell_noted(cpu, slot);
  begin_write(slot);
  flow_end(&slot->flow, now_ns);
  move_part(slot, FLOW_PART_NONE, now_ns);
  slot->end.thread_exit_ns = now_ns;
  end_write(slot);
  record_vcpu(cpu, slot, RING_THREAD_EXIT, now_ns, 0, 0, 0);
  cpu->slot = FLOW_NO_SLOT;
  count_run(&cpu->cost[FLOW_PROG_THREAD_EXIT], now_ns);
  return 0;
}

#endif
