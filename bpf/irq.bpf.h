// SPDX-License-Identifier: GPL-2.0-only
// Interrupt time of each CPU, for who waits there: loaded only if it is asked for (config.tell_irq).
// Blind: interrupts without a handler of a device (the local timer, IPIs of the scheduler).
#ifndef VMFLOW_BPF_IRQ_BPF_H
#define VMFLOW_BPF_IRQ_BPF_H

// Interrupt time of `cpu` so far. Other CPUs read it too: they may be an interrupt's beginning late.
static __always_inline __u64 irq_clock(const struct cpu_record *cpu, __u64 now_ns) {
  __u64 since_ns = cpu->irq_since_ns;
  if (!config.tell_irq) return 0;
  return cpu->irq_ns + (cpu->irq_depth && now_ns > since_ns ? now_ns - since_ns : 0);
}

// Interrupt time since the wait of `slot` was last told, at the CPU `cpu`.
static __always_inline __u64 irq_since_told(struct vcpu_slot *slot, const struct cpu_record *cpu, __u64 now_ns) {
  __u64 clock_ns, told_ns = slot->irq_ns;
  if (!config.tell_irq) return 0;
  clock_ns = slot->irq_ns = irq_clock(cpu, now_ns);
  return clock_ns > told_ns ? clock_ns - told_ns : 0;
}

// The scheduler switches outside interrupts only: what has not ended by then was missed.
static __always_inline void forget_irqs(struct cpu_record *cpu) {
  if (config.tell_irq) cpu->irq_depth = 0;
}

static __always_inline int begin_irq(void) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  if (!cpu) return 0;
  if (!cpu->irq_depth++) cpu->irq_since_ns = now_ns;
  count_run(&cpu->cost[FLOW_PROG_IRQ], now_ns);
  return 0;
}

static __always_inline int end_irq(void) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct cpu_record *cpu = this_cpu();
  if (!cpu || !cpu->irq_depth) return 0;
  if (!--cpu->irq_depth && now_ns > cpu->irq_since_ns) cpu->irq_ns += now_ns - cpu->irq_since_ns;
  count_run(&cpu->cost[FLOW_PROG_IRQ], now_ns);
  return 0;
}

SEC("raw_tp/irq_handler_entry")
int on_irq_handler_entry(void *ctx) { return begin_irq(); }

SEC("raw_tp/irq_handler_exit")
int on_irq_handler_exit(void *ctx) { return end_irq(); }

SEC("raw_tp/softirq_entry")
int on_softirq_entry(void *ctx) { return begin_irq(); }

SEC("raw_tp/softirq_exit")
int on_softirq_exit(void *ctx) { return end_irq(); }

#endif
