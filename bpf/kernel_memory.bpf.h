// SPDX-License-Identifier: GPL-2.0-only
// Numbers at addresses in the kernel that are known to be there. A guarded load takes a tenth of what the helper's call
// does, and reads 0 where the helper would say that it cannot: so what may not be there is for the helper.
#ifndef VMFLOW_BPF_KERNEL_MEMORY_BPF_H
#define VMFLOW_BPF_KERNEL_MEMORY_BPF_H

// Since 6.2. An address becomes a pointer to a type of vmlinux, which may be read from: any that begins with such a
// number does.
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

// include/linux/refcount.h, include/linux/time64.h
struct refcount_struct {
  __u32 refs;
};
struct timespec64 {
  __s64 tv_sec;
};

static __always_inline __u32 load_u32(__u64 address) {
  __u32 value = 0;
  if (bpf_rdonly_cast)
    return *(volatile __u32 *)bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct refcount_struct));
  bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
  return value;
}

static __always_inline __u64 load_u64(__u64 address) {
  __u64 value = 0;
  if (bpf_rdonly_cast)
    return *(volatile __u64 *)bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));
  bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
  return value;
}

#endif
