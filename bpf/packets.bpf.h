// SPDX-License-Identifier: GPL-2.0-only
// Packets into the flight recorder, each where its device gets it or hands it on: what went from one host to another
// is found again by its TCP header. Not loaded unless config.ring_kinds asks for it: they run for every packet of the
// host. Of a loopback device none; of what is no TCP none; where the header is not in the packet's linear part only
// that there was one.
#ifndef VMFLOW_BPF_PACKETS_BPF_H
#define VMFLOW_BPF_PACKETS_BPF_H

// include/uapi/linux/if.h
#define IFF_LOOPBACK 0x8
// At most so many bytes of headers are looked at.
#define MOST_HEADER_BYTES 512u

// An IPv6 segment's addresses are a record of their own, just before it and of the same time.
static __always_inline void record_addresses(struct cpu_record *cpu, const struct packet_segment *segment,
                                             __u64 now_ns) {
  struct ring_record *record = next_record(cpu, RING_PACKET_ADDRESSES, 0, 0);
  if (!record) return;
  record->kvm = 0;
  record->vcpu_id = 0;
  record->value[0] = segment->source[0];
  record->value[1] = segment->source[1];
  record->value[2] = segment->destination[0];
  record->value[3] = segment->destination[1];
  finish_record(record, now_ns);
}

static __always_inline void record_packet(struct cpu_record *cpu, const struct net_device *device,
                                          const struct packet_segment *segment, __u64 bits, __u64 now_ns) {
  __u64 pid_tgid = bpf_get_current_pid_tgid();
  struct ring_record *record;
  if (segment->is_v6) record_addresses(cpu, segment, now_ns);
  record = next_record(cpu, RING_PACKET, (__u32)pid_tgid, pid_tgid >> 32);
  if (!record) return;
  record->kvm = segment->is_v6 ? 0 : (__u32)segment->source[1] | segment->destination[1] << 32;
  record->vcpu_id = (__u32)segment->source_port << 16 | segment->destination_port;
  record->value[0] = segment->sequence | (__u64)segment->acknowledgement << 32;
  record->value[1] = segment->offset_flags | (__u64)segment->payload_bytes << 16 | bits |
                     (segment->is_v6 ? RING_PACKET_IS_V6 : 0);
  if (bpf_probe_read_kernel(&record->value[2], 16, device->name)) record->value[2] = record->value[3] = 0;
  finish_record(record, now_ns);
}

// How much of the frame may be read, and how much it has in all.
static __always_inline void describe_frame(const struct sk_buff *packet, struct packet_frame *frame) {
  __u32 linear = packet->len - packet->data_len;
  frame->data = packet->data;
  frame->linear = linear < MOST_HEADER_BYTES ? linear : MOST_HEADER_BYTES;
  frame->bytes = packet->len;
}

static __always_inline int note_packet(const struct sk_buff *packet, const struct net_device *device, int sent,
                                       __u32 program) {
  struct packet_segment segment = {};
  struct packet_frame frame;
  enum packet_finding finding;
  struct cpu_record *cpu;
  __u64 now_ns;
  if (!is_recorded(RING_PACKET) || !device || device->flags & IFF_LOOPBACK) return 0;
  now_ns = bpf_ktime_get_ns();
  cpu = this_cpu();
  if (!cpu) return 0;
  describe_frame(packet, &frame);
  // What is received has its Ethernet header taken off already, and tunnels have none.
  if (sent && device->hard_header_len == PACKET_ETHERNET_BYTES)
    finding = packet_parse_ethernet(&frame, &segment);
  else
    finding = packet_parse_network(&frame, 0, bpf_ntohs(packet->protocol), &segment);
  if (finding != PACKET_IS_OTHER)
    record_packet(cpu, device, &segment,
                  (sent ? RING_PACKET_SENT : 0) | (finding == PACKET_IS_TCP ? RING_PACKET_IS_TCP : 0), now_ns);
  count_run(&cpu->cost[program], now_ns);
  return 0;
}

SEC("tp_btf/net_dev_start_xmit")
int on_packet_sent(__u64 *ctx) { return note_packet((void *)ctx[0], (void *)ctx[1], 1, FLOW_PROG_RECORD_SENT); }

// After what GRO has joined, and for whichever way it came. Source: __netif_receive_skb_core().
SEC("tp_btf/netif_receive_skb")
int on_packet_received(__u64 *ctx) {
  const struct sk_buff *packet = (void *)ctx[0];
  return note_packet(packet, packet->dev, 0, FLOW_PROG_RECORD_RECEIVED);
}

#endif
