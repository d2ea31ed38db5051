// SPDX-License-Identifier: GPL-2.0-only
// How an event finds its vCPU's slot, and how a slot is taken, written and told what stands noted. Included by
// vmflow.bpf.c alone.
#ifndef VMFLOW_BPF_SLOTS_BPF_H
#define VMFLOW_BPF_SLOTS_BPF_H

static __always_inline int gives_up(__u32 detail) { return *(volatile __u32 *)&given_up & 1u << detail; }

static __always_inline void lose(__u32 loss) {
  __u64 *count = bpf_map_lookup_elem(&losses, &loss);
  if (count) (*count)++;
}

static __always_inline struct vcpu_slot *slot_at(__u32 index) {
  return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline struct cpu_record *this_cpu(void) {
  __u32 cpu = bpf_get_smp_processor_id();
  struct cpu_record *record = bpf_map_lookup_elem(&cpus, &cpu);
  if (!record) lose(FLOW_LOSS_CPU_OUT_OF_RANGE);
  return record;
}

// A reader that sees the same even number before and after has seen one consistent slot.
static __always_inline void begin_write(struct vcpu_slot *slot) {
  slot->seq++;
  FLOW_BARRIER();
}
static __always_inline void end_write(struct vcpu_slot *slot) {
  FLOW_BARRIER();
  slot->seq++;
}

// Own cost: every run is counted, one in FLOW_SAMPLE_EVERY is timed from the event's clock reading on.
static __always_inline void count_run(struct program_cost *cost, __u64 began_ns) {
  if (++cost->runs % FLOW_SAMPLE_EVERY) return;
  cost->timed_runs++;
  cost->timed_ns += bpf_ktime_get_ns() - began_ns;
}

static __always_inline __u64 read_u64(__u64 base, __u32 offset) {
  __u64 value = 0;
  if (offset != FLOW_NO_OFFSET && bpf_probe_read_kernel(&value, sizeof(value), (void *)(base + offset)))
    lose(FLOW_LOSS_UNREADABLE);
  return value;
}
static __always_inline __u32 read_u32(__u64 base, __u32 offset) {
  __u32 value = 0;
  if (offset != FLOW_NO_OFFSET && bpf_probe_read_kernel(&value, sizeof(value), (void *)(base + offset)))
    lose(FLOW_LOSS_UNREADABLE);
  return value;
}

// The noted exit is told to the record of the vCPU whose it was.
static __noinline int tell_exit(struct cpu_record *cpu, struct vcpu_slot *slot) {
  __u32 index;
  if (!cpu || !slot) return 0;
  index = flow_exit_index(config.is_vmx, cpu->noted_code);
  begin_write(slot);
  slot_exit(slot, cpu->noted_ns, index, index == config.halt_code);
  end_write(slot);
  cpu->noted_ns = 0;
  return 0;
}

// Before any other event of the vCPU that runs here.
static __always_inline void tell_noted(struct cpu_record *cpu, struct vcpu_slot *slot) {
  if (cpu->noted_ns) tell_exit(cpu, slot);
}

#include "skew.bpf.h"

static __always_inline int has_ended(const struct vcpu_slot *slot) {
  return slot->end.thread_exit_ns || slot->end.destroyed_ns;
}

// The slot of a thread, 0 if it is no vCPU thread (any more).
static __always_inline struct vcpu_slot *thread_slot(struct task_struct *task, __u32 *index) {
  struct task_slot *mine = bpf_task_storage_get(&thread_slots, task, 0, 0);
  struct vcpu_slot *slot = mine ? slot_at(mine->slot) : 0;
  if (!slot || slot->id.generation != mine->generation || slot->id.tid != (__u32)task->pid ||
      has_ended(slot))
    return 0;
  *index = mine->slot;
  return slot;
}

// The slot of the thread that runs on this CPU now, for events that do not name their vCPU.
static __always_inline struct vcpu_slot *running_slot(const struct cpu_record *cpu) {
  struct vcpu_slot *slot = slot_at(cpu->slot);
  if (!slot || slot->id.tid != (__u32)bpf_get_current_pid_tgid() || has_ended(slot)) return 0;
  return slot;
}

static __always_inline void raise_highest_slot(__u32 index) {
  for (int tries = 0; tries < 8; tries++) {
    __u32 highest = *(volatile __u32 *)&highest_slot;
    if (index <= highest || __sync_val_compare_and_swap(&highest_slot, highest, index) == highest) return;
  }
}

static __always_inline __u64 lapic_regs_of(__u64 vcpu) {
  __u64 lapic = config.vcpu_apic == FLOW_NO_OFFSET ? 0 : read_u64(vcpu, config.vcpu_apic);
  return lapic && config.lapic_regs != FLOW_NO_OFFSET ? read_u64(lapic, config.lapic_regs) : 0;
}

// What a VM's process begins with. Too large for the stack.
struct vm_io no_io;

// The slot of `vcpu`, a new one if it has none; FLOW_NO_SLOT if none is free. All of its identity is
// written before anybody else can find it: two CPUs may come here for the same vCPU, and one gives its
// slot back.
static __always_inline __u32 take_slot(__u64 vcpu, __u64 now_ns, __u64 pid_tgid) {
  __u32 index = FLOW_NO_SLOT, *first;
  struct vcpu_slot *slot;
  if (!*(volatile __u32 *)&following) return FLOW_NO_SLOT;
  if (bpf_map_pop_elem(&free_slots, &index) || !(slot = slot_at(index))) {
    lose(FLOW_LOSS_NO_FREE_SLOT);
    return FLOW_NO_SLOT;
  }
  begin_write(slot);
  slot->id.vcpu = vcpu;
  slot->id.kvm = read_u64(vcpu, config.vcpu_kvm);
  slot->id.vcpu_id = read_u32(vcpu, config.vcpu_id);
  slot->id.tgid = pid_tgid >> 32;
  slot->id.tid = (__u32)pid_tgid;
  slot->id.taken_ns = now_ns;
  slot->id.generation++;
  slot->own_code_at = 0;
  slot->lapic_regs = lapic_regs_of(vcpu);
  slot->vm = vm_of(slot->id.kvm, now_ns);
  slot->polled_ns = read_u64(vcpu, config.poll_success_ns) + read_u64(vcpu, config.poll_fail_ns);
  end_write(slot);
  if (bpf_map_update_elem(&vcpu_index, &vcpu, &index, BPF_NOEXIST)) {
    first = bpf_map_lookup_elem(&vcpu_index, &vcpu);
    if (first) {
      leave_vm(slot);
      bpf_map_push_elem(&free_slots, &index, BPF_ANY);
      return *first;
    }
    lose(FLOW_LOSS_NO_VCPU_INDEX);
  }
  raise_highest_slot(index);
  slot->in_use = 1;
  // After the slot is there: who forgets processes looks for slots of theirs.
  FLOW_BARRIER();
  bpf_map_update_elem(&vm_ios, &slot->id.tgid, &no_io, BPF_NOEXIST);
  return index;
}

// Makes the current thread the one that runs `vcpu`: at the vCPU's first event, after the agent has
// started, and when a VMM moves a vCPU to another thread.
static __noinline struct vcpu_slot *bind_slot(struct cpu_record *cpu, __u64 vcpu, __u64 now_ns) {
  __u32 *known = bpf_map_lookup_elem(&vcpu_index, &vcpu);
  __u32 index = known ? *known : FLOW_NO_SLOT;
  __u64 pid_tgid = bpf_get_current_pid_tgid();
  struct vcpu_slot *slot = slot_at(index), *left;
  struct task_slot *mine;
  tell_noted(cpu, slot_at(cpu->slot));
  if (slot && index != FLOW_NO_SLOT && has_ended(slot)) bpf_map_delete_elem(&vcpu_index, &vcpu);
  if (index == FLOW_NO_SLOT || !slot || has_ended(slot)) index = take_slot(vcpu, now_ns, pid_tgid);
  slot = slot_at(index);
  if (index == FLOW_NO_SLOT || !slot) return 0;
  mine = bpf_task_storage_get(&thread_slots, bpf_get_current_task_btf(), 0,
                              BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!mine) {
    lose(FLOW_LOSS_NO_TASK_STORAGE);
    return 0;
  }
  // The vCPU that this thread ran before sleeps until some thread runs it again.
  left = mine->slot == index ? 0 : slot_at(mine->slot);
  if (left && left->id.generation == mine->generation && left->id.tid == (__u32)pid_tgid &&
      !has_ended(left)) {
    begin_write(left);
    flow_out(&left->flow, now_ns, FLOW_VMM_BLOCKED);
    move_part(left, FLOW_PART_NONE, now_ns);
    left->id.tid = 0;
    end_write(left);
  }
  mine->slot = index;
  mine->generation = slot->id.generation;
  begin_write(slot);
  slot->id.tgid = pid_tgid >> 32;
  if (slot->id.tid != (__u32)pid_tgid && slot->flow.state == FLOW_VMM_BLOCKED) {
    flow_post_wake(&slot->mailbox, now_ns, flow_waker((__u32)pid_tgid, FLOW_WAKE_BARE));
    flow_in(&slot->flow, &slot->mailbox, now_ns, 0, 0, 0);
  }
  slot->id.tid = (__u32)pid_tgid;
  move_part(slot, FLOW_PART_ON_CPU, now_ns);
  end_write(slot);
  cpu->slot = index;
  return slot;
}

static __always_inline int in_kvm_run(const struct task_struct *task) {
  return task->preempt_notifiers.first != 0;
}

// The vCPU that `task` runs, 0 if it runs none. KVM's preempt notifier lies in struct kvm_vcpu, and is
// there in any ioctl of a vCPU; KVM_RUN has noted whose thread it is.
// Source: vcpu_load() and the case KVM_RUN of kvm_vcpu_ioctl(), virt/kvm/kvm_main.c.
static __always_inline __u64 vcpu_run_by(const struct task_struct *task) {
  __u64 vcpu = (__u64)task->preempt_notifiers.first - config.preempt_notifier;
  if (!in_kvm_run(task) || config.preempt_notifier == FLOW_NO_OFFSET ||
      config.vcpu_pid == FLOW_NO_OFFSET || read_u64(vcpu, config.vcpu_pid) != (__u64)task->thread_pid)
    return 0;
  return vcpu;
}

// The slot of the vCPU that an event of KVM names: one load and one compare when it is the one that
// was switched in here.
static __always_inline struct vcpu_slot *vcpu_slot_of(struct cpu_record *cpu, __u64 vcpu,
                                                      __u64 now_ns) {
  struct vcpu_slot *slot = slot_at(cpu->slot);
  if (slot && slot->id.vcpu == vcpu && !slot->end.destroyed_ns) return slot;
  return bind_slot(cpu, vcpu, now_ns);
}

#endif
