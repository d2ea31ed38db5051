// SPDX-License-Identifier: GPL-2.0-only
// The maps, and what else programs and user space share. Included by vmflow.bpf.c alone.
#ifndef VMFLOW_BPF_MAPS_BPF_H
#define VMFLOW_BPF_MAPS_BPF_H

// All vCPUs. User space maps it into memory; --max-vcpus sets its size, since it cannot grow later.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(key, __u32);
  __type(value, struct vcpu_slot);
} slots SEC(".maps");

// Indices of free slots; user space gives them back after its final read.
struct {
  __uint(type, BPF_MAP_TYPE_STACK);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(value, __u32);
} free_slots SEC(".maps");

// From struct kvm_vcpu to its slot. As large as slots; preallocated, as programs run with locks held.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(key, __u64);
  __type(value, __u32);
} vcpu_index SEC(".maps");

// From a vCPU thread to its slot, for the scheduler's events.
struct {
  __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, int);
  __type(value, struct task_slot);
} thread_slots SEC(".maps");

// One entry per possible CPU (set at load): an array, because its lookup is inlined everywhere.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct cpu_record);
} cpus SEC(".maps");

// Processes that have a VM: told from other host tasks by being here. User space forgets those that are gone.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(key, __u32);
  __type(value, struct vm_io);
} vm_ios SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_REQUESTS);
  __type(key, __u64);
  __type(value, struct disk_request);
} disk_requests SEC(".maps");

// Disks that are made of others: logical volumes, mostly. The oldest is forgotten when there is no room.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, FLOW_MAX_DISKS_BELOW);
  __type(key, __u32);
  __type(value, struct disk_below);
} disks_below SEC(".maps");

// Disks that VMs use, several hundred on a large host; user space forgets those that were not used for long.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_DISKS);
  __type(key, __u64);
  __type(value, struct disk_device);
} disks SEC(".maps");

// Two disks for each of FLOW_DEFAULT_MAX_VCPUS VMs. User space forgets VMs that are gone.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_VM_DISKS);
  __type(key, struct vm_disk_key);
  __type(value, struct vm_disk);
} vm_disks SEC(".maps");

// As many queues of taps. User space forgets VMs that are gone; a device that goes takes its own away.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_TAP_QUEUES);
  __type(key, struct tap_key);
  __type(value, struct tap_queue);
} tap_queues SEC(".maps");

// The oldest is forgotten when there is no room: it is learnt again.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, FLOW_MAX_VECTORS);
  __type(key, struct vector_key);
  __type(value, struct vector_past);
} vector_pasts SEC(".maps");

// Victims by culprits: 128 VMs that all fight with one another. User space forgets VMs that are gone.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_BLAMES);
  __type(key, struct blame_key);
  __type(value, struct blame);
} blames SEC(".maps");

// Nested vCPUs. User space forgets those that have not run for long, and those of VMs that are gone.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_NESTED);
  __type(key, struct nested_key);
  __type(value, struct nested_record);
} nested_vcpus SEC(".maps");

// VMs, as many as vCPUs: each has one. Mapped by user space.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(key, __u32);
  __type(value, struct vm_skew);
} vm_skews SEC(".maps");

// Indices of free ones; user space gives them back with the last slot that refers to them.
struct {
  __uint(type, BPF_MAP_TYPE_STACK);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(value, __u32);
} free_vms SEC(".maps");

// From struct kvm to its index there.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_DEFAULT_MAX_VCPUS);
  __type(key, __u64);
  __type(value, __u32);
} vm_index SEC(".maps");

// User space forgets VMs that are gone.
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, FLOW_MAX_WAKERS);
  __type(key, struct waker_key);
  __type(value, struct waker_count);
} wakers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, FLOW_LOSSES);
  __type(key, __u32);
  __type(value, __u64);
} losses SEC(".maps");

const volatile struct flow_config config = {};

// 0 until every program is attached: a vCPU is not followed with some of its events still missing.
__u32 following;

// vCPUs on any CPU's list of waiters: 0 spares a switch between other tasks the look at its own CPU's.
__s32 waiters;

// Bits of enum flow_detail. Writer: user space.
__u32 given_up;

// No slot above this one was ever given out: readers stop here.
__u32 highest_slot;

#endif
