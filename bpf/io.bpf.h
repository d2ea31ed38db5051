// SPDX-License-Identifier: GPL-2.0-only
// Disk requests and packets of VMMs, as evidence for what an interrupt is about. Requests are bios, taken where
// they enter the block layer: those of a device below another one are not counted again.
// Blind: reads from the page cache, vhost-user and passthrough disks, user-mode networking; a request that a
// VMM holds back itself (throttling) is in flight only once it is handed to the host.
#ifndef VMFLOW_BPF_IO_BPF_H
#define VMFLOW_BPF_IO_BPF_H

// include/linux/blk_types.h
#define REQ_OP_MASK 0xff
#define REQ_OP_WRITE 1
#define REQ_OP_READ 0

// Bios of one request that are followed; the end of more is noticed when their address is used again.
#define MOST_MERGED 128

static __always_inline struct vm_io *io_of(__u32 tgid) { return bpf_map_lookup_elem(&vm_ios, &tgid); }

// Nanoseconds so far in which the VM had a request in flight.
static __always_inline __u64 busy_clock(const struct vm_io *io, __u64 now_ns) {
  __u64 since_ns = io->busy_since_ns;
  if (io->in_flight <= 0 || now_ns < since_ns) return io->busy_ns;
  return io->busy_ns + (now_ns - since_ns);
}

static __always_inline void begin_request(struct vm_io *io, __u64 now_ns) {
  if (__sync_fetch_and_add(&io->in_flight, 1) == 0) io->busy_since_ns = now_ns;
}

static __always_inline void end_request(struct vm_io *io, __u64 now_ns) {
  __u64 since_ns = io->busy_since_ns;
  if (__sync_fetch_and_add(&io->in_flight, -1) == 1 && now_ns > since_ns)
    __sync_fetch_and_add(&io->busy_ns, now_ns - since_ns);
}

SEC("tp_btf/block_bio_queue")
int on_block_bio_queue(__u64 *ctx) {
  struct bio *bio = (void *)ctx[0];
  struct task_struct *task = bpf_get_current_task_btf();
  struct disk_request request = {}, *lost;
  __u64 key = (__u64)bio;
  struct vm_io *io = io_of(task->tgid), *theirs;
  struct cpu_record *cpu = this_cpu();
  if (!io || !cpu || task->bio_list) return 0;
  request.since_ns = bpf_ktime_get_ns();
  request.tgid = task->tgid;
  request.bytes = bio->bi_iter.bi_size;
  request.op = bio->bi_opf & REQ_OP_MASK;
  // Its address is used again: the end of the request before it was not seen.
  lost = bpf_map_lookup_elem(&disk_requests, &key);
  if (lost) {
    lose(FLOW_LOSS_REQUEST_END);
    theirs = io_of(lost->tgid);
    if (theirs) end_request(theirs, request.since_ns);
  }
  if (bpf_map_update_elem(&disk_requests, &key, &request, BPF_ANY))
    lose(FLOW_LOSS_NO_REQUEST);
  else
    begin_request(io, request.since_ns);
  count_run(&cpu->cost[FLOW_PROG_REQUEST], request.since_ns);
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
    __sync_fetch_and_add(&io->completions, 1);
    end_request(io, now_ns);
  }
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

// A thread of a VMM reads a packet from its tap. Packets of sockets have no device any more.
SEC("tp_btf/skb_copy_datagram_iovec")
int on_skb_copy_datagram(__u64 *ctx) {
  const struct sk_buff *packet = (void *)ctx[0];
  __u64 pid_tgid = bpf_get_current_pid_tgid();
  struct vm_io *io = io_of(pid_tgid >> 32);
  struct cpu_record *cpu = this_cpu();
  if (!io || !cpu || !packet->dev) return 0;
  io->packet_tid = (__u32)pid_tgid;
  count_run(&cpu->cost[FLOW_PROG_PACKET], bpf_ktime_get_ns());
  return 0;
}

// What an interrupt from a thread of the VMM is about: what has been completed since the last one, weighed with
// what this vector was about before. Vectors move between devices, so their past fades.
static __always_inline __u32 kind_of_vmm(__u32 tgid, __u32 tid, __u32 vector) {
  struct vm_io *io = io_of(tgid);
  struct vector_key key = {.tgid = tgid, .vector = vector};
  struct vector_past *past, first = {};
  __u32 disk = 0, net = 0;
  if (!io) return FLOW_WAKE_VMM;
  if (io->packet_tid == tid) {
    io->packet_tid = 0;
    net = FLOW_VECTOR_WEIGHT;
  } else if (io->claimed != io->completions) {
    io->claimed = io->completions;
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
