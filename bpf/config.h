// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What user space finds out before load and the programs take as constants, so that the verifier
// prunes what is off. Common subset of C and C++20.
#ifndef VMFLOW_BPF_CONFIG_H
#define VMFLOW_BPF_CONFIG_H

#include <linux/types.h>

/// An offset that the running kernel does not have.
#define FLOW_NO_OFFSET 0xffffffffu

/// Where kvm_exit's code is read from, best first.
enum flow_exit_source {
  FLOW_EXIT_FROM_NOWHERE,   ///< no known structure: every exit counts as FLOW_EXIT_UNREADABLE
  FLOW_EXIT_FROM_ARGUMENT,  ///< before 5.16 (exit_reason, vcpu, isa)
  FLOW_EXIT_FROM_VMCB,      ///< vcpu_svm.vmcb->control.exit_code
  FLOW_EXIT_FROM_VMX,       ///< vcpu_vmx.exit_reason, later vcpu_vmx.vt.exit_reason
  FLOW_EXIT_FROM_RECORD     ///< the record of the classic tracepoint: dearer, needs no structure
};

/// Units: offsets are bytes from the start of struct kvm_vcpu, but for exit_code of FROM_VMCB, which
/// is from the start of struct vmcb, and where it is said.
struct flow_config {
  __u32 exit_source;           ///< enum flow_exit_source
  __u32 is_vmx;                ///< which vendor's codes
  __u32 halt_code;             ///< the exit code of HLT
  __u32 switch_has_prev_state; ///< sched_switch passes prev_state (5.18)
  __u32 vcpu_id;
  __u32 vcpu_kvm;
  __u32 mp_state;
  __u32 apf_halted; ///< halted by KVM until a page is there
  __u32 fault_code; ///< the exit code of a nested page fault
  __u32 preempt_notifier;
  __u32 vcpu_apic;  ///< a pointer to struct kvm_lapic
  __u32 lapic_regs; ///< from the start of struct kvm_lapic: a pointer to its registers
  __u32 vcpu_pid;
  __u32 poll_success_ns; ///< KVM's own halt_poll_success_ns, FLOW_NO_OFFSET if it has none
  __u32 poll_fail_ns;
  __u32 vmcb;     ///< a pointer to the VMCB that runs
  __u32 own_vmcb; ///< a pointer to the vCPU's own, FLOW_NO_OFFSET before 5.13
  __u32 exit_code;
  __u32 ring_kinds;   ///< which enum ring_kind the flight recorder takes, by bit; 0: there is none
  __u32 ring_records; ///< its places per CPU, a power of two
  __u32 regs_cr3; ///< the guest's registers, from the start of struct vmcb
  __u32 regs_rip;
  __u32 regs_rsp;
  __u32 regs_cpl;
  __u32 tell_irq;    ///< interrupt time is a culprit of its own
  __u32 record_code; ///< exit_reason in the record of the classic kvm_exit, from its start
};

#endif
