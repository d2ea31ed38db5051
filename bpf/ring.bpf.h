// SPDX-License-Identifier: GPL-2.0-only
// Writes the flight recorder. What is not asked for when the programs are loaded costs nothing: the verifier prunes it.
#ifndef VMFLOW_BPF_RING_BPF_H
#define VMFLOW_BPF_RING_BPF_H

// config.ring_records per possible CPU (set at load).
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct ring_record);
} ring SEC(".maps");

// 0: nothing is recorded now. Writer: user space.
__u32 recording;

static __always_inline int is_recorded(__u32 kind) {
  return (config.ring_kinds & 1u << kind) && *(volatile __u32 *)&recording;
}

// The next place on this CPU, taken but not valid yet.
static __always_inline struct ring_record *next_record(struct cpu_record *cpu, __u32 kind, __u32 tid,
                                                       __u32 tgid) {
  __u32 at = (__u32)__sync_fetch_and_add(&cpu->ring_head, 1) & (config.ring_records - 1);
  struct ring_record *record;
  at += bpf_get_smp_processor_id() * config.ring_records;
  record = bpf_map_lookup_elem(&ring, &at);
  if (!record) return 0;
  *(volatile __u64 *)&record->ns = 0;
  FLOW_BARRIER();
  record->kind = kind;
  record->tid = tid;
  record->tgid = tgid;
  return record;
}

static __always_inline void finish_record(struct ring_record *record, __u64 now_ns) {
  FLOW_BARRIER();
  *(volatile __u64 *)&record->ns = now_ns;
}

// An event of the vCPU in `slot`, on its own thread.
static __always_inline void record_vcpu(struct cpu_record *cpu, const struct vcpu_slot *slot, __u32 kind,
                                        __u64 now_ns, __u64 a, __u64 b, __u64 c) {
  struct ring_record *record;
  if (!is_recorded(kind)) return;
  record = next_record(cpu, kind, slot->id.tid, slot->id.tgid);
  if (!record) return;
  record->kvm = slot->id.kvm;
  record->vcpu_id = slot->id.vcpu_id;
  record->value[0] = a;
  record->value[1] = b;
  record->value[2] = c;
  finish_record(record, now_ns);
}

// An event in whatever context runs here, about `slot` if there is one.
static __always_inline void record_here(struct cpu_record *cpu, const struct vcpu_slot *slot, __u32 kind,
                                        __u64 now_ns, __u64 a, __u64 b, __u64 c) {
  __u64 pid_tgid;
  struct ring_record *record;
  if (!is_recorded(kind)) return;
  pid_tgid = bpf_get_current_pid_tgid();
  record = next_record(cpu, kind, (__u32)pid_tgid, pid_tgid >> 32);
  if (!record) return;
  record->kvm = slot ? slot->id.kvm : 0;
  record->vcpu_id = slot ? slot->id.vcpu_id : 0;
  record->value[0] = a;
  record->value[1] = b;
  record->value[2] = c;
  finish_record(record, now_ns);
}

// The guest's registers, where they lie in memory: AMD's save area holds those of the exit. VMX keeps them in the
// processor, and what KVM has cached may be older: none there.
static __always_inline __u64 read_registers(const struct vcpu_slot *slot, struct ring_record *record) {
  __u64 vmcb = 0;
  __u8 cpl = 0;
  if (config.regs_cr3 == FLOW_NO_OFFSET || config.vmcb == FLOW_NO_OFFSET) return 0;
  if (bpf_probe_read_kernel(&vmcb, sizeof(vmcb), (void *)(slot->id.vcpu + config.vmcb)) ||
      bpf_probe_read_kernel(&record->value[1], 8, (void *)(vmcb + config.regs_rip)) ||
      bpf_probe_read_kernel(&record->value[2], 8, (void *)(vmcb + config.regs_cr3)) ||
      bpf_probe_read_kernel(&record->value[3], 8, (void *)(vmcb + config.regs_rsp)) ||
      bpf_probe_read_kernel(&cpl, 1, (void *)(vmcb + config.regs_cpl)))
    return 0;
  return RING_HAS_REGISTERS | (__u64)cpl << 32;
}

static __always_inline void record_exit(struct cpu_record *cpu, const struct vcpu_slot *slot, __u64 now_ns,
                                        __u32 code) {
  struct ring_record *record;
  if (!is_recorded(RING_EXIT)) return;
  record = next_record(cpu, RING_EXIT, slot->id.tid, slot->id.tgid);
  if (!record) return;
  record->kvm = slot->id.kvm;
  record->vcpu_id = slot->id.vcpu_id;
  record->value[0] = read_registers(slot, record) | code;
  finish_record(record, now_ns);
}

static __always_inline void record_switch(struct cpu_record *cpu, struct task_struct *prev,
                                          struct task_struct *next, int next_is_vcpu, __u64 now_ns,
                                          int preempt, __u32 prev_state) {
  struct ring_record *record;
  if (!is_recorded(RING_SWITCH)) return;
  record = next_record(cpu, RING_SWITCH, prev->pid, prev->tgid);
  if (!record) return;
  record->kvm = 0;
  record->vcpu_id = 0;
  record->value[0] = (__u32)next->pid | (__u64)next->tgid << 32;
  record->value[1] = prev_state | (preempt ? RING_PREEMPT : 0) | (next_is_vcpu ? RING_NEXT_IS_VCPU : 0);
  if (bpf_probe_read_kernel(&record->value[2], 16, next_is_vcpu ? prev->comm : next->comm))
    record->value[2] = record->value[3] = 0;
  finish_record(record, now_ns);
}

#endif
