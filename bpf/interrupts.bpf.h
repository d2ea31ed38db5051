// SPDX-License-Identifier: GPL-2.0-only
// Interrupts that KVM has given to vCPUs, by what they were. Whose vCPU it was is told by the context alone: a vCPU's
// own thread, a thread of the VMM, a vhost worker by who lends it memory. In an interrupt of the host, and in kernel
// workers, nothing tells it: those are counted for the host. Neither interrupts that KVM injects again nor soft ones
// are accepted anew, so they are not here. Blind: what hardware delivers without KVM (posted, AVIC); an interrupt
// that one VMM raises in another one's VM (a shared eventfd) counts for the one that raises it.
#ifndef VMFLOW_BPF_INTERRUPTS_BPF_H
#define VMFLOW_BPF_INTERRUPTS_BPF_H

// arch/x86/include/asm/apicdef.h
#define APIC_LVTT 0x320
#define APIC_DM_INIT 0x500
#define APIC_DM_STARTUP 0x600

// By enum flow_wake_kind: those of nobody known.
__u64 unattributed[FLOW_WAKE_KINDS];

// INIT and start-up are no interrupts. Source: __apic_accept_irq().
static __always_inline void count_interrupt(__u32 tgid, __u32 kind, __u32 delivery) {
  struct vm_io *io = tgid ? io_of(tgid) : 0;
  FLOW_FORGET(kind);
  if (kind >= FLOW_WAKE_KINDS || delivery == APIC_DM_INIT || delivery == APIC_DM_STARTUP) return;
  __sync_fetch_and_add(io ? &io->interrupts[kind] : &unattributed[kind], 1);
}

// What a vCPU accepts in its own context without a routed device is its timer's, if it has the vector that the
// guest has written into its LAPIC's timer entry, else an IPI to itself.
static __always_inline __u32 kind_of_own(const struct vcpu_slot *slot, int is_routed, __u32 vector) {
  __u32 timer = 0;
  if (is_routed) return FLOW_WAKE_VMM;
  if (!slot->lapic_regs ||
      bpf_probe_read_kernel(&timer, sizeof(timer), (void *)(slot->lapic_regs + APIC_LVTT)))
    return FLOW_WAKE_BARE;
  return (timer & 0xff) == vector ? FLOW_WAKE_OWN_INTERRUPT : FLOW_WAKE_IPI;
}

#endif
