// SPDX-License-Identifier: GPL-2.0-only
// Disk requests of VMMs. Requests are bios, taken where they enter the block layer: those of a device below another
// one are not counted again.
// Blind: reads from the page cache, vhost-user and passthrough disks; a request that a VMM holds back itself
// (throttling) is in flight only once it is handed to the host.
#ifndef VMFLOW_BPF_DISK_BPF_H
#define VMFLOW_BPF_DISK_BPF_H

// include/linux/blk_types.h
#define REQ_OP_MASK 0xff
#define REQ_OP_WRITE 1
#define REQ_OP_READ 0

// Bios of one request that are followed; the end of more is noticed when their address is used again.
#define MOST_MERGED 128
// Disks on top of one another.
#define MOST_LAYERS 4
#define MINOR_BITS 20

// Before 5.12.
struct bio___disk {
  struct gendisk *bi_disk;
} __attribute__((preserve_access_index));

// Requests that the cgroup's io.max holds back: 0 spares bios of other processes a look at them.
__s64 held_requests;

static __always_inline struct gendisk *disk_of(const struct bio *bio) {
  const struct bio___disk *with_disk = (const void *)bio;
  if (bpf_core_field_exists(bio->bi_bdev)) return BPF_CORE_READ(bio, bi_bdev, bd_disk);
  if (bpf_core_field_exists(with_disk->bi_disk)) return BPF_CORE_READ(with_disk, bi_disk);
  return 0;
}

static __always_inline __u32 number_of(const struct gendisk *disk) {
  return (__u32)BPF_CORE_READ(disk, major) << MINOR_BITS | (__u32)BPF_CORE_READ(disk, first_minor);
}

// The disk below all layers that hand their requests to one other disk only.
static __always_inline __u64 bottom_of(const struct bio *bio) {
  struct gendisk *disk = disk_of(bio);
  __u64 address = (__u64)disk;
  __u32 number = disk ? number_of(disk) : 0;
  for (int layer = 0; layer < MOST_LAYERS; layer++) {
    struct disk_below *below = bpf_map_lookup_elem(&disks_below, &number);
    if (!below || below->is_spread) break;
    address = below->disk;
    number = below->number;
  }
  return address;
}

// A layer (dm, md) hands a bio to the disk below. Writers of an entry are many: what one of them loses, the next
// request tells again. Source: trace_block_bio_remap(bio, dev, from), where bio is the one below already.
SEC("tp_btf/block_bio_remap")
int on_block_bio_remap(__u64 *ctx) {
  const struct bio *bio = (void *)ctx[0];
  __u32 number = (__u32)ctx[1];
  struct disk_below *known, first = {};
  struct cpu_record *cpu;
  __u64 now_ns, disk;
  if (!*(volatile __u32 *)&highest_slot) return 0;
  now_ns = bpf_ktime_get_ns();
  disk = (__u64)disk_of(bio);
  cpu = this_cpu();
  if (!disk || !cpu) return 0;
  known = bpf_map_lookup_elem(&disks_below, &number);
  if (!known) {
    first.disk = disk;
    first.number = number_of((void *)disk);
    bpf_map_update_elem(&disks_below, &number, &first, BPF_ANY);
  } else if (known->disk != disk) {
    known->is_spread = 1;
    known->streak = 0;
    known->disk = disk;
    known->number = number_of((void *)disk);
  } else if (known->is_spread && ++known->streak > FLOW_UNSPREAD_AFTER) {
    known->is_spread = 0;
  }
  count_run(&cpu->cost[FLOW_PROG_REMAP], now_ns);
  return 0;
}

static __always_inline struct disk_device *device_at(__u64 disk, int may_add) {
  struct disk_device *device = bpf_map_lookup_elem(&disks, &disk), nothing = {};
  if (device || !may_add) return device;
  bpf_map_update_elem(&disks, &disk, &nothing, BPF_NOEXIST);
  return bpf_map_lookup_elem(&disks, &disk);
}

static __always_inline struct vm_disk *vm_disk_at(const struct vm_disk_key *key, int may_add) {
  struct vm_disk *mine = bpf_map_lookup_elem(&vm_disks, key), nothing = {};
  if (mine || !may_add) return mine;
  bpf_map_update_elem(&vm_disks, key, &nothing, BPF_NOEXIST);
  return bpf_map_lookup_elem(&vm_disks, key);
}

static __always_inline void step_disk(const struct disk_request *request, struct vm_io *io,
                                      __u64 now_ns, int begins) {
  struct vm_disk_key key = {.disk = request->disk, .tgid = request->tgid};
  struct disk_device *device = device_at(key.disk, begins);
  struct vm_disk *mine = vm_disk_at(&key, begins);
  struct disk_growth growth = {};
  if (!device || !mine) {
    lose(FLOW_LOSS_NO_DISK);
    return;
  }
  bpf_spin_lock(&device->lock);
  if (begins)
    disk_begin(device, mine, now_ns, &growth);
  else
    disk_end(device, mine, now_ns, &growth);
  bpf_spin_unlock(&device->lock);
  if (!io) return;
  if (growth.contended_ns) __sync_fetch_and_add(&io->disk_contended_ns, growth.contended_ns);
  if (growth.waited_ns) __sync_fetch_and_add(&io->disk_waited_ns, growth.waited_ns);
}

static __noinline void end_request(struct disk_request *request, __u64 now_ns) {
  struct vm_io *io;
  if (!request) return;
  io = io_of(request->tgid);
  if (io) busy_end(&io->disk_busy, now_ns);
  if (request->disk)
    step_disk(request, io, now_ns, 0);
  else
    __sync_fetch_and_add(&held_requests, -1);
}

// A bio of the current task enters the block layer. Returns its request, 0 if it is not followed. One that was begun
// goes on to its end, whatever is given up meanwhile.
static __always_inline struct disk_request *begin_request(const struct bio *bio, struct vm_io *io,
                                                          __u32 tgid, __u64 now_ns) {
  struct disk_request request = {.since_ns = now_ns, .tgid = tgid}, *lost;
  __u64 key = (__u64)bio;
  request.bytes = BPF_CORE_READ(bio, bi_iter.bi_size);
  request.op = BPF_CORE_READ(bio, bi_opf) & REQ_OP_MASK;
  // Its address is used again: the end of the request before it was not seen.
  lost = bpf_map_lookup_elem(&disk_requests, &key);
  if (lost) {
    lose(FLOW_LOSS_REQUEST_END);
    end_request(lost, now_ns);
  }
  if (gives_up(FLOW_DETAIL_DEVICES)) {
    if (lost) bpf_map_delete_elem(&disk_requests, &key);
    return 0;
  }
  if (bpf_map_update_elem(&disk_requests, &key, &request, BPF_ANY)) {
    lose(FLOW_LOSS_NO_REQUEST);
    return 0;
  }
  busy_begin(&io->disk_busy, now_ns);
  __sync_fetch_and_add(&held_requests, 1);
  return bpf_map_lookup_elem(&disk_requests, &key);
}

// The cgroup may hold it back now; it leaves for its disk in any case. Source: __blk_throtl_bio().
static __always_inline int may_hold(const struct bio *bio) {
  struct task_struct *task = bpf_get_current_task_btf();
  struct vm_io *io = io_of(task->tgid);
  struct cpu_record *cpu = this_cpu();
  __u64 now_ns, key = (__u64)bio;
  struct disk_request *held;
  if (!io || !cpu || task->bio_list) return 0;
  now_ns = bpf_ktime_get_ns();
  held = bpf_map_lookup_elem(&disk_requests, &key);
  if (!held || held->disk) begin_request(bio, io, task->tgid, now_ns);
  count_run(&cpu->cost[FLOW_PROG_REQUEST_HELD], now_ns);
  return 0;
}

SEC("fentry/__blk_throtl_bio")
int on_blk_throtl(__u64 *ctx) { return may_hold((void *)ctx[0]); }

// A bio goes to its disk: in the context of who has submitted it, or of a kernel worker if the cgroup has held it back.
SEC("tp_btf/block_bio_queue")
int on_block_bio_queue(__u64 *ctx) {
  struct bio *bio = (void *)ctx[0];
  struct task_struct *task = bpf_get_current_task_btf();
  struct vm_io *io = io_of(task->tgid);
  __u64 now_ns, key = (__u64)bio;
  struct disk_request *request;
  struct cpu_record *cpu;
  if (io ? task->bio_list != 0 : !*(volatile __s64 *)&held_requests) return 0;
  now_ns = bpf_ktime_get_ns();
  cpu = this_cpu();
  request = bpf_map_lookup_elem(&disk_requests, &key);
  if (io && (!request || request->disk))
    request = begin_request(bio, io, task->tgid, now_ns);
  else if (request && !request->disk && !io && (io = io_of(request->tgid)))
    __sync_fetch_and_add(&io->disk_held_ns, now_ns - request->since_ns);
  if (!cpu || !request || request->disk) return 0;
  request->disk = bottom_of(bio);
  __sync_fetch_and_add(&held_requests, -1);
  step_disk(request, io, now_ns, 1);
  count_run(&cpu->cost[FLOW_PROG_REQUEST], now_ns);
  return 0;
}

static __always_inline void complete_bio(__u64 key, __u64 now_ns) {
  struct disk_request *request = bpf_map_lookup_elem(&disk_requests, &key);
  struct vm_io *io = request ? io_of(request->tgid) : 0;
  struct cpu_record *cpu = this_cpu();
  __u32 op;
  if (!request || !cpu) return;
  if (io) {
    op = request->op == REQ_OP_READ    ? FLOW_DISK_READ
         : request->op == REQ_OP_WRITE ? FLOW_DISK_WRITE
                                       : FLOW_DISK_OTHER;
    __sync_fetch_and_add(&io->disk[op].operations, 1);
    __sync_fetch_and_add(&io->disk[op].bytes, request->bytes);
    __sync_fetch_and_add(&io->disk[op].ns, now_ns - request->since_ns);
    __sync_fetch_and_add(&io->claims.completions, 1);
  }
  end_request(request, now_ns);
  bpf_map_delete_elem(&disk_requests, &key);
  count_run(&cpu->cost[FLOW_PROG_REQUEST_END], now_ns);
}

// Of devices that take bios themselves (brd, dm, md).
SEC("tp_btf/block_bio_complete")
int on_block_bio_complete(__u64 *ctx) {
  complete_bio(ctx[1], bpf_ktime_get_ns());
  return 0;
}

// Of all others: a request ends with the bios that were merged into it. Source: blk_update_request().
SEC("tp_btf/block_rq_complete")
int on_block_rq_complete(__u64 *ctx) {
  struct request *request = (void *)ctx[0];
  __u32 bytes = (__u32)ctx[2];
  __u64 now_ns = bpf_ktime_get_ns();
  struct bio *bio = request->bio;
  for (int i = 0; i < MOST_MERGED && bio; i++) {
    __u32 size = bio->bi_iter.bi_size;
    if (size > bytes) break;
    bytes -= size;
    complete_bio((__u64)bio, now_ns);
    bio = bio->bi_next;
  }
  return 0;
}

#endif
