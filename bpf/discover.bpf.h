// SPDX-License-Identifier: GPL-2.0-only
// vCPUs that sleep or spin without an event, found once when the agent starts: a halted one would stay
// unseen until something wakes it. Its time still begins with its first event.
#ifndef VMFLOW_BPF_DISCOVER_BPF_H
#define VMFLOW_BPF_DISCOVER_BPF_H

// Threads inside KVM_RUN have KVM's preempt notifier, which lies in their struct kvm_vcpu. Writes the
// CPU time of each to the reader: growth without any VM entry shows that KVM reports none.
SEC("iter/task")
int discover_vcpus(struct bpf_iter__task *ctx) {
  struct task_struct *task = ctx->task;
  struct task_slot *mine;
  struct vcpu_slot *slot;
  __u64 vcpu, ran_ns;
  __u32 index;
  if (!task || !in_kvm_run(task)) return 0;
  ran_ns = task->se.sum_exec_runtime;
  bpf_seq_write(ctx->meta->seq, &ran_ns, sizeof(ran_ns));
  vcpu = vcpu_run_by(task);
  if (!vcpu || bpf_map_lookup_elem(&vcpu_index, &vcpu)) return 0;
  index = take_slot(vcpu, bpf_ktime_get_ns(), (__u64)task->tgid << 32 | (__u32)task->pid);
  slot = slot_at(index);
  if (index == FLOW_NO_SLOT || !slot) return 0;
  mine = bpf_task_storage_get(&thread_slots, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
  if (!mine) {
    lose(FLOW_LOSS_NO_TASK_STORAGE);
    return 0;
  }
  mine->slot = index;
  mine->generation = slot->id.generation;
  return 0;
}

#endif
