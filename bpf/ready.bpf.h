// SPDX-License-Identifier: GPL-2.0-only
// Who holds the CPU while a vCPU is ready. Every CPU lists the vCPUs that wait for it; at every switch there
// the time since the last one is the switched-out task's doing. A waker lists whom it wakes, without a lock; who is
// blamed, and when, is written under the lock of the run queue that the vCPU waits in, which orders switch and migration.
#ifndef VMFLOW_BPF_READY_BPF_H
#define VMFLOW_BPF_READY_BPF_H

// The kernel keeps a task's CPU in its thread_info; before 5.16 x86 kept it in the task.
struct thread_info___has_cpu {
  __u32 cpu;
} __attribute__((preserve_access_index));
struct task_struct___info {
  struct thread_info___has_cpu thread_info;
} __attribute__((preserve_access_index));
struct task_struct___cpu {
  __u32 cpu;
} __attribute__((preserve_access_index));
// Since 6.18 a throttled task knows it itself.
struct task_struct___throttled {
  bool throttled;
} __attribute__((preserve_access_index));

static __always_inline __u32 cpu_of(struct task_struct *task) {
  struct task_struct___info *with_info = (void *)task;
  struct task_struct___cpu *with_cpu = (void *)task;
  __u32 cpu = 0;
  if (bpf_core_field_exists(with_info->thread_info.cpu))
    cpu = BPF_CORE_READ(with_info, thread_info.cpu);
  else if (bpf_core_field_exists(with_cpu->cpu))
    cpu = BPF_CORE_READ(with_cpu, cpu);
  return cpu;
}

static __always_inline __u32 is_throttled(struct task_struct *task) {
  struct task_struct___throttled *with_flag = (void *)task;
  if (bpf_core_field_exists(with_flag->throttled)) return BPF_CORE_READ(with_flag, throttled);
  if (bpf_core_field_exists(task->se.cfs_rq->throttle_count))
    return BPF_CORE_READ(task, se.cfs_rq, throttle_count) != 0;
  return 0;
}

// Is it in the queue of `cpu`? Then the lock of that queue, which every switch there holds, keeps it there.
static __always_inline int is_queued_on(struct task_struct *task, __u32 cpu) {
  return BPF_CORE_READ(task, on_rq) == 1 && cpu_of(task) == cpu;  // TASK_ON_RQ_QUEUED
}

// What is known of a task that holds a CPU.
struct holder {
  __u64 kvm;  // of the vCPU it runs; 0: none
  __u64 task; // its address: its name is read only for a new pair of the matrix
  __u32 tgid; // of a kernel thread, who it works for; its own pid if that is nobody
  __u32 kind; // enum flow_culprit as a VM that is no part of it sees it
};

static __always_inline void describe_holder(struct holder *holder, struct task_struct *task, __u32 pid,
                                            __u32 tgid, __u32 flags, const struct vcpu_slot *slot) {
  holder->kvm = slot ? slot->id.kvm : 0;
  holder->task = (__u64)task;
  holder->tgid = tgid;
  if (slot) {
    holder->kind = FLOW_CULPRIT_OTHER_VM;
    return;
  }
  if (!pid) {
    holder->kind = FLOW_CULPRIT_NONE;
    return;
  }
  holder->kind = FLOW_CULPRIT_HOST_TASK;
  if (flags & PF_KTHREAD) {
    __u32 owner = works_for(task);
    holder->kind = FLOW_CULPRIT_KERNEL_THREAD;
    if (!owner) return;
    holder->tgid = owner;
  }
  if (bpf_map_lookup_elem(&vm_ios, &holder->tgid)) holder->kind = FLOW_CULPRIT_OTHER_VM;
}

static __always_inline __u32 culprit_for(const struct holder *holder, const struct vcpu_slot *slot) {
  if (holder->kind != FLOW_CULPRIT_OTHER_VM) return holder->kind;
  if (holder->kvm ? holder->kvm == slot->id.kvm : holder->tgid == slot->id.tgid)
    return FLOW_CULPRIT_OWN_VM;
  return FLOW_CULPRIT_OTHER_VM;
}

// An idle CPU and what nobody knows need no row: they are the rest of the VM's own sums.
static __always_inline void add_to_matrix(const struct holder *holder, const struct vcpu_slot *slot,
                                          __u32 culprit, __u64 ns) {
  struct blame_key key = {.kvm = slot->id.kvm, .tgid = slot->id.tgid, .culprit = culprit};
  struct blame *blame, first = {.ns = ns};
  struct task_struct *task = (void *)holder->task;
  if (culprit == FLOW_CULPRIT_NONE || culprit == FLOW_CULPRIT_UNKNOWN) return;
  key.culprit_kvm = holder->kvm;
  key.culprit_tgid = holder->tgid;
  blame = bpf_map_lookup_elem(&blames, &key);
  if (blame) {
    __sync_fetch_and_add(&blame->ns, ns);
    return;
  }
  bpf_core_read(first.comm, sizeof(first.comm), &task->comm);
  if (bpf_map_update_elem(&blames, &key, &first, BPF_NOEXIST)) {
    blame = bpf_map_lookup_elem(&blames, &key);
    if (blame)
      __sync_fetch_and_add(&blame->ns, ns);
    else
      lose(FLOW_LOSS_NO_BLAME);
  }
}

// The time that `slot` has waited at `cpu` since it was last asked was `holder`'s.
static __always_inline void blame(const struct cpu_record *cpu, struct vcpu_slot *slot,
                                  const struct holder *holder, __u64 now_ns, __u32 throttled) {
  __u32 culprit = culprit_for(holder, slot);
  __u64 ns;
  begin_write(slot);
  ns = flow_blame(&slot->flow, now_ns, culprit, throttled, irq_since_told(slot, cpu, now_ns));
  end_write(slot);
  if (ns) add_to_matrix(holder, slot, culprit, ns);
}

// `slot` has left the CPU although it could run, and `next` got it.
static __always_inline void count_preemption(struct vcpu_slot *slot, struct task_struct *next,
                                             const struct vcpu_slot *next_slot) {
  struct holder holder = {};
  describe_holder(&holder, next, next->pid, next->tgid, next->flags, next_slot);
  flow_preempt(&slot->flow, culprit_for(&holder, slot));
}

// The slot of the vCPU that `task` runs on `cpu`, 0 if it runs none.
static __always_inline const struct vcpu_slot *slot_of_holder(const struct cpu_record *cpu,
                                                              struct task_struct *task) {
  const struct vcpu_slot *slot = slot_at(cpu->slot);
  if (!slot || slot->id.tid != (__u32)BPF_CORE_READ(task, pid)) return 0;
  return slot;
}

// Lists `slot` at `cpu`. Without a place its wait is unknown.
static __always_inline void list_waiter(struct cpu_record *cpu, __u32 cpu_number, struct vcpu_slot *slot,
                                        __u32 index, __u64 now_ns) {
  for (__u32 i = 0; i < FLOW_WAITERS; i++)
    if (!__sync_val_compare_and_swap(&cpu->waiter[i], FLOW_NO_SLOT, index)) {
      slot->waits_at = cpu_number + 1;
      slot->waits_in = i;
      slot->irq_ns = irq_clock(cpu, now_ns);
      __sync_fetch_and_add(&cpu->waiting, 1);
      __sync_fetch_and_add(&waiters, 1);
      return;
    }
  lose(FLOW_LOSS_NO_WAITER_PLACE);
  flow_forget_blame(&slot->flow);
}

static __always_inline void unlist_waiter(struct cpu_record *cpu, struct vcpu_slot *slot, __u32 index) {
  __u32 place = slot->waits_in;
  slot->waits_at = 0;
  if (place >= FLOW_WAITERS) return;
  if (__sync_val_compare_and_swap(&cpu->waiter[place], index, FLOW_NO_SLOT) != index) return;
  __sync_fetch_and_add(&cpu->waiting, -1);
  __sync_fetch_and_add(&waiters, -1);
}

// A sleeper that is being woken: it will wait where it has run, unless it goes to another CPU now.
static __always_inline void list_woken(struct vcpu_slot *slot, __u32 index, struct task_struct *task,
                                       __u64 now_ns) {
  __u32 number = cpu_of(task);
  struct cpu_record *cpu = bpf_map_lookup_elem(&cpus, &number);
  if (!cpu) return;
  slot->task = (__u64)task;
  slot->woken_throttled = is_throttled(task);
  move_waiting(slot, slot->woken_throttled, now_ns);
  list_waiter(cpu, number, slot, index, now_ns);
}

// A sleeper that was woken waits since then.
static __always_inline void begin_woken_wait(struct vcpu_slot *slot) {
  __u32 kind = FLOW_WAKE_BARE;
  __u64 woken_ns;
  if (slot->flow.blame_since_ns || !flow_sleeps(&slot->flow)) return;
  woken_ns = flow_wake_of(&slot->mailbox, slot->flow.armed_ns, &kind);
  if (!woken_ns) return;
  begin_write(slot);
  flow_wait(&slot->flow, woken_ns > slot->flow.last_ns ? woken_ns : slot->flow.last_ns,
            slot->woken_throttled);
  end_write(slot);
}

// The vCPU in `slot` gets the CPU that `holder` had.
static __always_inline void end_waiting(struct cpu_record *cpu, struct vcpu_slot *slot, __u32 index,
                                        const struct holder *holder, __u64 now_ns) {
  begin_woken_wait(slot);
  blame(cpu, slot, holder, now_ns, 0);
  unlist_waiter(cpu, slot, index);
}

// Those who go on waiting for this CPU. One that is still being woken may go to another CPU yet. A function of its own
// for the verifier, which looks at it once.
__noinline int blame_waiters(struct cpu_record *cpu, struct holder *holder, __u64 now_ns) {
  __u32 number = bpf_get_smp_processor_id();
  if (!cpu || !holder) return 0;
  for (__u32 i = 0; i < FLOW_WAITERS; i++) {
    __u32 index = cpu->waiter[i];
    struct vcpu_slot *slot = index ? slot_at(index) : 0;
    struct task_struct *task = slot ? (void *)slot->task : 0;
    __u32 throttled;
    if (!slot || (slot->flow.state != FLOW_READY && !is_queued_on(task, number))) continue;
    begin_woken_wait(slot);
    throttled = is_throttled(task);
    blame(cpu, slot, holder, now_ns, throttled);
    move_waiting(slot, throttled, now_ns);
  }
  return 0;
}

// The task that runs on a CPU now: by address, like this CPU's preempt count. 0: this kernel does not tell.
// Source: struct rq of kernel/sched/sched.h, per CPU.
extern const void runqueues __ksym __weak;

static __always_inline struct task_struct *running_on(__u32 cpu) {
  struct rq *queue;
  __u64 base = 0;
  if (!&runqueues || !&__per_cpu_offset) return 0;
  if (bpf_probe_read_kernel(&base, sizeof(base), (__u64 *)&__per_cpu_offset + cpu)) return 0;
  queue = (struct rq *)(base + (__u64)&runqueues);
  return BPF_CORE_READ(queue, curr);
}

// The vCPU thread goes to another CPU's run queue while it waits, or while it is being woken: then whoever has
// the CPU that it comes to answers for all of its wait.
SEC("tp_btf/sched_migrate_task")
int on_sched_migrate_task(__u64 *ctx) {
  struct task_struct *task = (void *)ctx[0], *held_by;
  __u32 index = FLOW_NO_SLOT, to = (__u32)ctx[1], from;
  struct holder holder = {.kind = FLOW_CULPRIT_UNKNOWN};
  struct cpu_record *here, *left, *cpu;
  struct vcpu_slot *slot;
  __u64 now_ns;
  if (!task->bpf_storage) return 0;
  now_ns = bpf_ktime_get_ns();
  slot = thread_slot(task, &index);
  if (!slot || !slot->waits_at) return 0;
  from = slot->waits_at - 1;
  here = this_cpu();
  left = bpf_map_lookup_elem(&cpus, &from);
  cpu = bpf_map_lookup_elem(&cpus, &to);
  if (!here || !left || !cpu) return 0;
  if (task->on_rq) {
    begin_woken_wait(slot);
    held_by = running_on(from);
    if (held_by)
      describe_holder(&holder, held_by, BPF_CORE_READ(held_by, pid), BPF_CORE_READ(held_by, tgid),
                      BPF_CORE_READ(held_by, flags), slot_of_holder(left, held_by));
    blame(left, slot, &holder, now_ns, is_throttled(task));
  }
  unlist_waiter(left, slot, index);
  list_waiter(cpu, to, slot, index, now_ns);
  record_here(here, slot, RING_MIGRATE, now_ns, task->pid, from | (__u64)to << 32, 0);
  count_run(&here->cost[FLOW_PROG_MIGRATE], now_ns);
  return 0;
}

#endif
