// SPDX-License-Identifier: GPL-2.0-only
// Packets of VMs. A device is known once a VMM or a vhost worker has read a packet from it; of a tap (not of macvtap)
// it is seen then what is put into its queues and what the VM sends. Programs here run for every packet of the host:
// without a known tap they leave after one load and a branch, else after a few for a device that is none.
// Blind: vhost-user, passthrough and user-mode networking; what XDP redirects into a tap; what a queueing discipline
// of the host holds or drops before the tap; of the first VM what it sends before it has received anything.
#ifndef VMFLOW_BPF_NET_BPF_H
#define VMFLOW_BPF_NET_BPF_H

// include/linux/netdevice.h: the device would not take it now; it comes again
#define NETDEV_TX_BUSY 0x10
// include/uapi/linux/if_ether.h. A packet with a VLAN tag is read in two parts: its addresses, and the rest.
#define ADDRESS_BYTES 12
#define VLAN_BYTES 4
#define MOST_QUEUES 256

// The driver's operations, which all taps have in common; 0: no tap is known. Set whenever one is read.
__u64 tap_ops;

static __always_inline int is_tap(const struct net_device *device) {
  char kind[4] = {};
  const char *name = BPF_CORE_READ(device, rtnl_link_ops, kind);
  if (!name || bpf_probe_read_kernel(kind, sizeof(kind), name)) return 0;
  return kind[0] == 't' && kind[1] == 'u' && kind[2] == 'n' && !kind[3];
}

static __always_inline int may_be_tap(const struct net_device *device) {
  __u64 ops = *(volatile __u64 *)&tap_ops;
  return ops && (__u64)BPF_CORE_READ(device, netdev_ops) == ops;
}

static __always_inline void note_seen(struct vm_io *io, const struct net_device *device) {
  __u32 is_known_tap = is_tap(device);
  if (is_known_tap) tap_ops = (__u64)BPF_CORE_READ(device, netdev_ops);
  __sync_fetch_and_or(&io->net_seen, FLOW_NET_READS | (is_known_tap ? FLOW_NET_QUEUE : 0));
}

// The queue `key` of `device`, which the current task reads or writes for a VM; 0 if it does not.
static __always_inline struct tap_queue *learn_queue(const struct tap_key *key,
                                                     const struct net_device *device, __u32 reader) {
  __u32 tgid = process_behind(bpf_get_current_task_btf());
  struct vm_io *io = tgid ? io_of(tgid) : 0;
  struct tap_queue first = {.tgid = tgid, .reader = reader};
  if (!io) return 0;
  note_seen(io, device);
  if (bpf_map_update_elem(&tap_queues, key, &first, BPF_NOEXIST)) lose(FLOW_LOSS_NO_TAP);
  return bpf_map_lookup_elem(&tap_queues, key);
}

// Another thread reads this queue now: is it another VM's?
static __always_inline int change_reader(struct tap_queue *tap, const struct net_device *device,
                                         __u32 reader, __u64 now_ns) {
  __u32 tgid = process_behind(bpf_get_current_task_btf());
  struct vm_io *io, *old;
  if (tgid != tap->tgid) {
    io = tgid ? io_of(tgid) : 0;
    if (!io) return 0;
    note_seen(io, device);
    old = io_of(tap->tgid);
    if (old && tap->waiting) busy_end(&old->net_busy, now_ns);
    tap->waiting = 0;
    tap->tgid = tgid;
  }
  tap->reader = reader;
  return 1;
}

static __always_inline void count_packet(struct vm_io *io, __u32 direction, __u64 bytes) {
  __sync_fetch_and_add(&io->net[direction].packets, 1);
  __sync_fetch_and_add(&io->net[direction].bytes, bytes);
}

static __always_inline void take_packet(struct tap_queue *tap, struct vm_io *io, __u64 packet,
                                        __u64 now_ns) {
  __u64 waited_ns;
  __u32 is_last;
  bpf_spin_lock(&tap->lock);
  is_last = tap_take(tap, now_ns, packet);
  waited_ns = tap->waited_ns;
  tap->waited_ns = 0;
  bpf_spin_unlock(&tap->lock);
  if (is_last) busy_end(&io->net_busy, now_ns);
  if (waited_ns) __sync_fetch_and_add(&io->net_waited_ns, waited_ns);
}

// A packet is read from a device, or data from a socket, which has none or something else in its place: that is no
// device of a VM, and reading it as one does no harm here.
SEC("tp_btf/skb_copy_datagram_iovec")
int on_skb_copy_datagram(__u64 *ctx) {
  const struct sk_buff *packet = (void *)ctx[0];
  __u32 length = (__u32)ctx[1], tid = (__u32)bpf_get_current_pid_tgid();
  const struct net_device *device = packet->dev;
  struct tap_key key = {.device = (__u64)device, .queue = packet->queue_mapping};
  struct cpu_record *cpu;
  struct tap_queue *tap;
  struct vm_io *io;
  __u64 now_ns;
  if (!device || length == ADDRESS_BYTES || !*(volatile __u32 *)&highest_slot) return 0;
  tap = bpf_map_lookup_elem(&tap_queues, &key);
  if (!tap) tap = learn_queue(&key, device, tid);
  if (!tap) return 0;
  now_ns = bpf_ktime_get_ns();
  if (tap->reader != tid && !change_reader(tap, device, tid, now_ns)) return 0;
  io = io_of(tap->tgid);
  cpu = this_cpu();
  if (!io || !cpu || (gives_up(FLOW_DETAIL_DEVICES) && !tap->waiting)) return 0;
  take_packet(tap, io, (__u64)packet, now_ns);
  count_packet(io, FLOW_NET_RECEIVE, packet->len + (length == packet->len ? 0 : VLAN_BYTES));
  io->packet_tid = tid;
  count_run(&cpu->cost[FLOW_PROG_PACKET], now_ns);
  return 0;
}

// The host hands a packet to a tap, which puts it into its queue or drops it. The packet may be read before the
// driver has returned: so it is counted before.
SEC("tp_btf/net_dev_start_xmit")
int on_net_dev_start_xmit(__u64 *ctx) {
  const struct sk_buff *packet = (void *)ctx[0];
  const struct net_device *device = (void *)ctx[1];
  struct tap_key key = {.device = (__u64)device};
  struct cpu_record *cpu;
  struct tap_queue *tap;
  struct vm_io *io;
  __u32 is_first;
  __u64 now_ns;
  if (!may_be_tap(device)) return 0;
  key.queue = packet->queue_mapping;
  tap = bpf_map_lookup_elem(&tap_queues, &key);
  cpu = this_cpu();
  if (!tap || !cpu || gives_up(FLOW_DETAIL_DEVICES)) return 0;
  now_ns = bpf_ktime_get_ns();
  cpu->xmit_device = key.device;
  cpu->xmit_queue = key.queue;
  bpf_spin_lock(&tap->lock);
  is_first = tap_put(tap, now_ns, (__u64)packet);
  bpf_spin_unlock(&tap->lock);
  if (is_first && (io = io_of(tap->tgid))) busy_begin(&io->net_busy, now_ns);
  count_run(&cpu->cost[FLOW_PROG_PACKET_QUEUED], now_ns);
  return 0;
}

// The tap did not take it. The packet is gone: its queue is what the program above has seen on this CPU, where
// nothing else is handed to a driver in between.
SEC("tp_btf/net_dev_xmit")
int on_net_dev_xmit(__u64 *ctx) {
  int error = (int)ctx[1];
  struct tap_key key = {.device = ctx[2]};
  struct cpu_record *cpu;
  struct tap_queue *tap;
  struct vm_io *io;
  __u64 now_ns;
  if (!error || gives_up(FLOW_DETAIL_DEVICES) || !may_be_tap((void *)ctx[2])) return 0;
  cpu = this_cpu();
  if (!cpu || cpu->xmit_device != key.device) return 0;
  key.queue = cpu->xmit_queue;
  cpu->xmit_device = 0;
  tap = bpf_map_lookup_elem(&tap_queues, &key);
  io = tap ? io_of(tap->tgid) : 0;
  if (!tap || !io) return 0;
  now_ns = bpf_ktime_get_ns();
  take_packet(tap, io, 0, now_ns);
  if (error != NETDEV_TX_BUSY) __sync_fetch_and_add(&io->net_dropped, 1);
  count_run(&cpu->cost[FLOW_PROG_PACKET_DROPPED], now_ns);
  return 0;
}

// A packet that comes out of a tap into the host, in whatever context: the tap tells the VM, or else the task does.
// Its Ethernet header has been taken off already, which interface statistics count. Not netif_rx(): what comes
// through there with a tap as its device is the host's own broadcast, looped back. Source: tun_get_user(),
// dev_loopback_xmit().
static __always_inline int note_sent(const struct sk_buff *packet, __u32 program) {
  __u64 pid_tgid = bpf_get_current_pid_tgid();
  struct tap_key key = {};
  const struct net_device *device;
  struct cpu_record *cpu;
  struct tap_queue *tap;
  struct vm_io *io;
  __u64 now_ns;
  if (!*(volatile __u64 *)&tap_ops || gives_up(FLOW_DETAIL_DEVICES)) return 0;
  device = packet->dev;
  if (!may_be_tap(device)) return 0;
  now_ns = bpf_ktime_get_ns();
  key.device = (__u64)device;
  tap = bpf_map_lookup_elem(&tap_queues, &key);
  if (!tap) tap = learn_queue(&key, device, 0);
  io = tap ? io_of(tap->tgid) : 0;
  cpu = this_cpu();
  if (!io || !cpu) return 0;
  count_packet(io, FLOW_NET_TRANSMIT, packet->len + device->hard_header_len);
  // An interrupt that this thread raises next says that the packet is sent.
  if (pid_tgid >> 32 == tap->tgid) io->packet_tid = (__u32)pid_tgid;
  count_run(&cpu->cost[program], now_ns);
  return 0;
}

SEC("tp_btf/netif_receive_skb_entry")
int on_netif_receive_skb(__u64 *ctx) { return note_sent((void *)ctx[0], FLOW_PROG_SENT_RECEIVE); }

SEC("tp_btf/netif_receive_skb_list_entry")
int on_netif_receive_skb_list(__u64 *ctx) { return note_sent((void *)ctx[0], FLOW_PROG_SENT_LIST); }

SEC("tp_btf/napi_gro_receive_entry")
int on_napi_gro_receive(__u64 *ctx) { return note_sent((void *)ctx[0], FLOW_PROG_SENT_GRO); }

SEC("tp_btf/napi_gro_frags_entry")
int on_napi_gro_frags(__u64 *ctx) { return note_sent((void *)ctx[0], FLOW_PROG_SENT_FRAGS); }

// A device is taken away, with what waits in it; its address may be another's next.
static __always_inline int forget_device(const struct net_device *device) {
  __u64 now_ns = bpf_ktime_get_ns();
  struct tap_key key = {.device = (__u64)device};
  struct cpu_record *cpu = this_cpu();
  __u32 queues = BPF_CORE_READ(device, num_tx_queues);
  if (!cpu || !*(volatile __u32 *)&highest_slot) return 0;
  for (__u32 queue = 0; queue < MOST_QUEUES && queue < queues; queue++) {
    struct tap_queue *tap;
    struct vm_io *io;
    key.queue = queue;
    tap = bpf_map_lookup_elem(&tap_queues, &key);
    if (!tap) continue;
    io = io_of(tap->tgid);
    if (io && tap->waiting) busy_end(&io->net_busy, now_ns);
    bpf_map_delete_elem(&tap_queues, &key);
  }
  count_run(&cpu->cost[FLOW_PROG_NETDEV_GONE], now_ns);
  return 0;
}

SEC("fentry/unregister_netdevice_queue")
int on_netdev_gone(__u64 *ctx) { return forget_device((void *)ctx[0]); }

#endif
