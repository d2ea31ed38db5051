// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What is kept of disks, of requests on their way and of the queues of taps, and how each is stepped. Common subset
// of C and C++20: the same code runs in the kernel, under the lock of what it steps, and in tests.
#ifndef VMFLOW_BPF_IO_RECORDS_H
#define VMFLOW_BPF_IO_RECORDS_H

#include <linux/bpf.h>
#include <linux/types.h>

#include "busy_clock.h"

/// Disk requests of one VMM process by what they do.
enum flow_disk_op { FLOW_DISK_READ, FLOW_DISK_WRITE, FLOW_DISK_OTHER, FLOW_DISK_OPS };
struct disk_count {
  __u64 operations; ///< completed
  __u64 bytes;
  __u64 ns; ///< from the block layer's entry to completion, summed over requests
};

/// A request on its way, by the address of its bio.
struct disk_request {
  __u64 since_ns;
  __u64 disk; ///< address of the gendisk that it is for; 0: held back by the cgroup's io.max
  __u32 tgid;
  __u32 bytes;
  __u32 op; ///< REQ_OP_*
  __u32 pad;
};
#define FLOW_MAX_REQUESTS 16384u

/// What a disk that is made of others hands its requests to, by its device number.
struct disk_below {
  __u64 disk;
  __u32 number;
  __u32 is_spread; ///< over more than one: then it counts as a disk of its own
  __u64 streak;    ///< requests in a row that went to the same one since
};
#define FLOW_MAX_DISKS_BELOW 4096u
/// So many in a row, and it is not spread any more: its table was changed.
#define FLOW_UNSPREAD_AFTER 1000u

/// One disk of the host, by the address of its gendisk. All but the lock is guarded by it, and so is struct
/// vm_disk of each VM on it.
struct disk_device {
  struct bpf_spin_lock lock;
  __u32 vms; ///< with a request in flight
  __u64 last_ns;
  __u64 contended_ns; ///< so far with two or more of them
  __u64 completions;
  __u64 completed_ns; ///< the last one
};
#define FLOW_MAX_DISKS 1024u

struct vm_disk_key {
  __u64 disk;
  __u32 tgid;
  __u32 pad;
};
/// One VM on one disk.
struct vm_disk {
  __u64 in_flight;
  __u64 last_ns;
  __u64 seen;           ///< completions of the disk at last_ns
  __u64 pending_ns;     ///< time of its requests since the disk's last completion
  __u64 contended_from; ///< contended_ns of the disk at last_ns
};
#define FLOW_MAX_VM_DISKS 8192u

/// What a step has found out about the VM.
struct disk_growth {
  __u64 contended_ns;
  __u64 waited_ns;
};

/// Time does not go back for a disk, whoever got its lock first. Returns the time of this step.
FLOW_FN __u64 disk_advance(struct disk_device *disk, __u64 now_ns) {
  if (now_ns <= disk->last_ns) return disk->last_ns;
  if (disk->vms >= 2) disk->contended_ns += now_ns - disk->last_ns;
  disk->last_ns = now_ns;
  return now_ns;
}

/// Between two completions the disk's time is that of the request which completes next. What the disk has completed
/// since the VM's last step were other VMs' requests: the VM's own waited for them until the last of those.
FLOW_FN void disk_settle(struct disk_device *disk, struct vm_disk *vm, __u64 now_ns,
                         struct disk_growth *growth) {
  growth->contended_ns = growth->waited_ns = 0;
  if (!vm->in_flight) {
    vm->pending_ns = 0;
  } else {
    growth->contended_ns = disk->contended_ns - vm->contended_from;
    if (vm->seen != disk->completions) {
      growth->waited_ns = vm->pending_ns + vm->in_flight * (disk->completed_ns - vm->last_ns);
      vm->pending_ns = 0;
      vm->last_ns = disk->completed_ns;
    }
    vm->pending_ns += vm->in_flight * (now_ns - vm->last_ns);
  }
  vm->seen = disk->completions;
  vm->contended_from = disk->contended_ns;
  vm->last_ns = now_ns;
}

FLOW_FN void disk_begin(struct disk_device *disk, struct vm_disk *vm, __u64 now_ns,
                        struct disk_growth *growth) {
  now_ns = disk_advance(disk, now_ns);
  disk_settle(disk, vm, now_ns, growth);
  if (vm->in_flight++ == 0) disk->vms++;
}

FLOW_FN void disk_end(struct disk_device *disk, struct vm_disk *vm, __u64 now_ns,
                      struct disk_growth *growth) {
  now_ns = disk_advance(disk, now_ns);
  disk_settle(disk, vm, now_ns, growth);
  if (!vm->in_flight) return;
  if (--vm->in_flight == 0) disk->vms--;
  vm->pending_ns = 0; // the disk has worked for this VM
  disk->completed_ns = now_ns;
  vm->seen = ++disk->completions;
}

/// Packets as the VM sees them.
enum flow_net_direction { FLOW_NET_RECEIVE, FLOW_NET_TRANSMIT, FLOW_NET_DIRECTIONS };
struct net_count {
  __u64 packets;
  __u64 bytes;
};
#define FLOW_NET_READS 1u ///< the VMM or vhost reads packets from a device
#define FLOW_NET_QUEUE 2u ///< the device is a tap: what goes in and out of it is seen too

/// A queue of a tap, by the address of its net_device.
struct tap_key {
  __u64 device;
  __u32 queue;
  __u32 pad;
};
struct tap_queue {
  struct bpf_spin_lock lock; ///< guards what stands below `reader`
  __u32 tgid;                ///< of the VM that reads it
  __u32 reader;              ///< the thread that has read last
  __u32 waiting;             ///< packets
  __u64 newest;              ///< the address of the last one
  __u64 last_ns;
  __u64 waited_ns; ///< packets times their waiting, since it was last taken
};
#define FLOW_MAX_TAP_QUEUES 8192u

FLOW_FN void tap_advance(struct tap_queue *tap, __u64 now_ns) {
  if (now_ns <= tap->last_ns) return;
  tap->waited_ns += tap->waiting * (now_ns - tap->last_ns);
  tap->last_ns = now_ns;
}

/// A packet is put in. Returns 1 if it is the only one.
FLOW_FN __u32 tap_put(struct tap_queue *tap, __u64 now_ns, __u64 packet) {
  tap_advance(tap, now_ns);
  tap->newest = packet;
  return tap->waiting++ == 0;
}

/// A packet is taken out, 0 if it does not matter which. Returns 1 if none is left. After the newest there is
/// none, whatever the count says: what was dropped unseen is noticed there. One that was put in before the tap was
/// known does not count.
FLOW_FN __u32 tap_take(struct tap_queue *tap, __u64 now_ns, __u64 packet) {
  tap_advance(tap, now_ns);
  if (!tap->waiting) return 0;
  tap->waiting = packet && packet == tap->newest ? 0 : tap->waiting - 1;
  return !tap->waiting;
}

/// Completed requests of one VMM process, as evidence for what its interrupts are about.
/// Writers: completions by whoever completes, with atomics; the rest by its threads that raise interrupts, of which two
/// at once may claim one completion twice.
struct disk_claims {
  __u64 completions;
  __u64 seen;       ///< completions at the last claim
  __u64 claimed_ns; ///< when that was
  __u32 left;       ///< completions that came together with the one which was claimed then
  __u32 pad;
};

/// Several queues that are completed together are told to the guest one after the other, at once.
#define FLOW_CLAIM_NS 5000000u

/// 1 if an interrupt that a VMM raises now may be about a completion. One interrupt may be about many: what nobody has
/// claimed soon after is forgotten.
FLOW_FN __u32 disk_claim(struct disk_claims *c, __u64 now_ns) {
  __u64 fresh = c->completions - c->seen;
  if (fresh) {
    c->seen += fresh;
    c->left = fresh - 1;
    c->claimed_ns = now_ns;
    return 1;
  }
  if (!c->left || now_ns - c->claimed_ns >= FLOW_CLAIM_NS) return 0;
  c->left--;
  return 1;
}

#endif
