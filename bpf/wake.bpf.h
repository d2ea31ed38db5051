// SPDX-License-Identifier: GPL-2.0-only
// What ended a halt: the wake-up, in its waker's context, joined with the interrupt that KVM gave to the
// same vCPU on the same CPU just before. Evidence only: neither vectors nor exit codes are asked.
// Blind: posted interrupts and IPIs that the hardware delivers itself wake out of a host interrupt with
// nothing beside it (FLOW_WAKE_HARDIRQ, counted as unknown); halts that do not exit (cpu-pm) are guest time.
#ifndef VMFLOW_BPF_WAKE_BPF_H
#define VMFLOW_BPF_WAKE_BPF_H

// include/linux/preempt.h: NMI and hard interrupt bits of the preempt count
#define HARDIRQ_BITS 0x00ff0000
// An interrupt is given, and its vCPU woken, within microseconds; an emulated CPU may stand still between.
#define JOIN_NS 5000000u

// This CPU's preempt count: a variable of its own until 6.1 and again since 6.15, between them the second
// word of pcpu_hot. By address, since kernels without CONFIG_KALLSYMS_ALL have no such symbols: there a
// host interrupt looks like any other waker, and what it ended is unknown.
// Source: arch/x86/include/asm/preempt.h, struct pcpu_hot of arch/x86/include/asm/current.h.
extern const void __preempt_count __ksym __weak;
extern const void pcpu_hot __ksym __weak;
extern const void __per_cpu_offset __ksym __weak;

static __always_inline __u64 find_preempt_count(void) {
  __u64 offset = (__u64)&__preempt_count, base = 0;
  if (!offset && &pcpu_hot) offset = (__u64)&pcpu_hot + sizeof(void *);
  if (!offset || !&__per_cpu_offset) return 0;
  if (bpf_probe_read_kernel(&base, sizeof(base),
                            (__u64 *)&__per_cpu_offset + bpf_get_smp_processor_id()))
    return 0;
  return base + offset;
}

static __always_inline int in_hardirq(struct cpu_record *cpu) {
  __u32 count = 0;
  if (!cpu->preempt_count) cpu->preempt_count = find_preempt_count();
  if (cpu->preempt_count &&
      bpf_probe_read_kernel(&count, sizeof(count), (void *)cpu->preempt_count))
    lose(FLOW_LOSS_UNREADABLE);
  return !!(count & HARDIRQ_BITS);
}

static __always_inline int is_named(const struct task_struct *task, const char *prefix, __u32 length) {
  char name[16];
  if (bpf_probe_read_kernel(name, sizeof(name), task->comm)) return 0;
  for (__u32 i = 0; i < length; i++)
    if (name[i] != prefix[i]) return 0;
  return 1;
}

// Who gives an interrupt, for a context that is no interrupt of the host itself.
static __always_inline __u32 kind_of_giver(struct task_struct *task, int is_routed) {
  // A vCPU in KVM_RUN sends IPIs; what it routes comes from a device that KVM itself emulates.
  if (in_kvm_run(task)) return is_routed ? FLOW_WAKE_VMM : FLOW_WAKE_IPI;
  // Kernel threads before 6.4, threads of the VMM since. Source: vhost_worker_create().
  if (is_named(task, "vhost-", 6)) return FLOW_WAKE_VHOST;
  if (!(task->flags & PF_KTHREAD)) return FLOW_WAKE_VMM;
  // The PIT ticks on a thread of its own. Source: kvm_create_pit().
  if (is_named(task, "kvm-pit/", 8)) return FLOW_WAKE_OWN_INTERRUPT;
  return FLOW_WAKE_KERNEL_WORKER;
}

static __always_inline int note_route(void) {
  struct cpu_record *cpu = this_cpu();
  if (!cpu || gives_up(FLOW_DETAIL_CAUSES)) return 0;
  cpu->routed_ns = bpf_ktime_get_ns();
  cpu->routed_tid = (__u32)bpf_get_current_pid_tgid();
  record_here(cpu, 0, RING_ROUTE, cpu->routed_ns, 0, 0, 0);
  return 0;
}

// A device's interrupt is looked up in the VM's routing table. Source: kvm_set_msi_irq(), kvm_set_irq().
SEC("raw_tp/kvm_msi_set_irq")
int on_kvm_msi_set_irq(void *ctx) { return note_route(); }

SEC("raw_tp/kvm_set_irq")
int on_kvm_set_irq(void *ctx) { return note_route(); }

// KVM gives an interrupt to a vCPU. Source: trace_kvm_apic_accept_irq(apicid = vcpu_id, …) in
// __apic_accept_irq(), before it wakes.
SEC("raw_tp/kvm_apic_accept_irq")
int BPF_PROG(on_kvm_apic_accept_irq, __u32 vcpu_id, __u32 delivery, __u32 trigger, __u32 vector) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct task_struct *task = bpf_get_current_task_btf();
  struct cpu_record *cpu = this_cpu();
  struct vcpu_slot *slot = cpu ? running_slot(cpu) : 0;
  int is_routed, is_hardirq;
  if (!cpu || gives_up(FLOW_DETAIL_CAUSES)) return 0;
  record_here(cpu, 0, RING_ACCEPT, now_ns, vcpu_id, vector & 0xff, delivery);
  is_hardirq = in_hardirq(cpu);
  is_routed = cpu->routed_tid == (__u32)task->pid && now_ns - cpu->routed_ns < JOIN_NS;
  cpu->routed_ns = 0;
  if (slot && slot->id.vcpu_id == vcpu_id && !is_hardirq) {
    count_interrupt(slot->id.tgid, kind_of_own(slot, is_routed, vector & 0xff), delivery);
    if (is_routed || !slot->flow.unsettled_ns) return 0;
    begin_write(slot);
    flow_accept(&slot->flow);
    end_write(slot);
    return 0;
  }
  cpu->given.ns = now_ns;
  cpu->given.tid = task->pid;
  cpu->given.vcpu_id = vcpu_id;
  cpu->given.is_hardirq = is_hardirq;
  if (is_hardirq)
    cpu->given.kind = is_routed ? FLOW_WAKE_HARDIRQ_DEVICE : FLOW_WAKE_OWN_INTERRUPT;
  else
    cpu->given.kind = kind_of_giver(task, is_routed);
  if (cpu->given.kind == FLOW_WAKE_VMM && !gives_up(FLOW_DETAIL_DEVICES))
    cpu->given.kind = kind_of_vmm(task->tgid, task->pid, vcpu_id << 8 | (vector & 0xff), now_ns);
  count_interrupt(is_hardirq ? 0 : process_behind(task), cpu->given.kind, delivery);
  count_run(&cpu->cost[FLOW_PROG_ACCEPT], now_ns);
  return 0;
}

// A page that the guest waits for has been fetched; its vCPU is woken next. Source: async_pf_execute().
SEC("raw_tp/kvm_async_pf_completed")
int on_kvm_async_pf_completed(void *ctx) {
  struct cpu_record *cpu = this_cpu();
  if (!cpu) return 0;
  cpu->given.ns = bpf_ktime_get_ns();
  cpu->given.tid = (__u32)bpf_get_current_pid_tgid();
  cpu->given.vcpu_id = FLOW_ANY_VCPU;
  cpu->given.is_hardirq = 0;
  cpu->given.kind = FLOW_WAKE_PAGE;
  record_here(cpu, 0, RING_PAGE_READY, cpu->given.ns, 0, 0, 0);
  return 0;
}

// The evidence for a wake-up of `slot` by the current context.
static __always_inline __u32 wake_kind(struct cpu_record *cpu, const struct vcpu_slot *slot,
                                       __u64 now_ns) {
  const struct given_irq *given = &cpu->given;
  __u32 is_hardirq = in_hardirq(cpu), kind = is_hardirq ? FLOW_WAKE_HARDIRQ : FLOW_WAKE_BARE;
  __u64 pid_tgid = bpf_get_current_pid_tgid();
  if (given->tid == (__u32)pid_tgid && given->is_hardirq == is_hardirq &&
      (given->vcpu_id == slot->id.vcpu_id || given->vcpu_id == FLOW_ANY_VCPU) &&
      now_ns - given->ns < JOIN_NS) {
    kind = given->kind;
    if ((kind == FLOW_WAKE_VMM || kind == FLOW_WAKE_VMM_DISK || kind == FLOW_WAKE_VMM_NET) && pid_tgid >> 32 != slot->id.tgid) kind = FLOW_WAKE_FOREIGN;
  }
  cpu->given.ns = 0;  // used up; 0 would be the idle task as a thread
  return kind;
}

#endif
