// SPDX-License-Identifier: GPL-2.0-only
// The few kernel types that the programs read, with only the fields they read. Offsets come from the
// running kernel's BTF (CO-RE). Types of the kvm modules are not here: their offsets are constants
// that user space reads from the modules' BTF, so that no module BTF (and no CAP_SYS_ADMIN) is needed.
#ifndef VMFLOW_BPF_KERNEL_TYPES_H
#define VMFLOW_BPF_KERNEL_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_local_storage;
struct bio_list;
struct task_struct;
struct pid;

// include/linux/list.h
struct hlist_node {
  struct hlist_node *next, **pprev;
};
struct hlist_head {
  struct hlist_node *first;
};

// include/linux/sched.h
struct cfs_rq {
  int throttle_count;
};
struct sched_entity {
  __u64 sum_exec_runtime;
  struct cfs_rq *cfs_rq;
};
struct mm_struct {
  struct task_struct *owner;
};
struct rq {
  struct task_struct *curr;
};

// include/linux/sched.h; preempt_notifiers under CONFIG_PREEMPT_NOTIFIERS, which KVM selects
struct task_struct {
  unsigned int __state;
  unsigned int flags;
  int pid;
  int tgid;
  int on_rq;
  struct pid *thread_pid;
  struct mm_struct *mm;
  struct sched_entity se;
  struct hlist_head preempt_notifiers;
  char comm[16];
  unsigned int in_iowait : 1;
  struct bio_list *bio_list;
  struct bpf_local_storage *bpf_storage;
};

// include/linux/blk_types.h, include/linux/bvec.h
struct bvec_iter {
  unsigned int bi_size;
};
struct gendisk {
  int major;
  int first_minor;
};
struct block_device {
  struct gendisk *bd_disk;
};
struct bio {
  struct bio *bi_next;
  struct block_device *bi_bdev;
  unsigned int bi_opf;
  struct bvec_iter bi_iter;
};

// include/linux/blk-mq.h
struct request {
  struct bio *bio;
};

// include/linux/netdevice.h, include/net/rtnetlink.h
struct net_device_ops;
struct rtnl_link_ops {
  const char *kind;
};
struct net_device {
  char name[16];
  const struct net_device_ops *netdev_ops;
  const struct rtnl_link_ops *rtnl_link_ops;
  unsigned int flags;
  unsigned short hard_header_len;
  unsigned int num_tx_queues;
};

// include/linux/skbuff.h
struct sk_buff {
  struct net_device *dev;
  unsigned int len;
  unsigned int data_len;
  __u16 protocol;
  unsigned char *data;
  __u16 queue_mapping;
};

// include/linux/bpf.h, kernel/bpf/task_iter.c
struct seq_file;
struct bpf_iter_meta {
  struct seq_file *seq;
};
struct bpf_iter__task {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
};

#pragma clang attribute pop

#endif
