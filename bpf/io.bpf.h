// SPDX-License-Identifier: GPL-2.0-only
// Who works for which VM's process, and what its disk requests and packets tell of the interrupts that it raises.
#ifndef VMFLOW_BPF_IO_BPF_H
#define VMFLOW_BPF_IO_BPF_H

// include/linux/sched.h
#define PF_WQ_WORKER 0x00000020
#define PF_KTHREAD 0x00200000

static __always_inline struct vm_io *io_of(__u32 tgid) { return bpf_map_lookup_elem(&vm_ios, &tgid); }

// A vhost worker before 6.4 is a kernel thread that has borrowed its VMM's memory. Source: vhost_worker().
static __always_inline __u32 works_for(struct task_struct *task) {
  struct mm_struct *mm = BPF_CORE_READ(task, mm);
  if (!mm || !bpf_core_field_exists(mm->owner)) return 0;
  return BPF_CORE_READ(mm, owner, tgid);
}

// The process for which `task` works, be it one of its threads or a vhost worker; 0: nobody's kernel thread.
static __always_inline __u32 process_behind(struct task_struct *task) {
  return task->flags & PF_KTHREAD ? works_for(task) : (__u32)task->tgid;
}

// What an interrupt from a thread of the VMM is about: what has been completed since the last one, weighed with
// what this vector was about before. Vectors move between devices, so their past fades.
static __always_inline __u32 kind_of_vmm(__u32 tgid, __u32 tid, __u32 vector, __u64 now_ns) {
  struct vm_io *io = io_of(tgid);
  struct vector_key key = {.tgid = tgid, .vector = vector};
  struct vector_past *past, first = {};
  __u32 disk = 0, net = 0;
  if (!io) return FLOW_WAKE_VMM;
  if (io->packet_tid == tid) {
    io->packet_tid = 0;
    net = FLOW_VECTOR_WEIGHT;
  } else if (disk_claim(&io->claims, now_ns)) {
    disk = FLOW_VECTOR_WEIGHT;
  }
  past = bpf_map_lookup_elem(&vector_pasts, &key);
  if (!past) {
    first.disk = disk;
    first.net = net;
    first.all = FLOW_VECTOR_WEIGHT;
    bpf_map_update_elem(&vector_pasts, &key, &first, BPF_ANY);
    past = &first;
  } else {
    past->disk += disk - past->disk / 8;
    past->net += net - past->net / 8;
    past->all += FLOW_VECTOR_WEIGHT - past->all / 8;
  }
  if (past->disk * 2 > past->all) return FLOW_WAKE_VMM_DISK;
  if (past->net * 2 > past->all) return FLOW_WAKE_VMM_NET;
  return FLOW_WAKE_VMM;
}

#endif
