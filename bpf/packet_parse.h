// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// What a frame's TCP header says: Ethernet, VLAN tags, IPv4 or IPv6, TCP. Common subset of C and C++20, so that the
// same code reads frames in the kernel and drawn ones in tests. Whatever the bytes are, only those of the frame's
// linear part are read, and every loop ends.
#ifndef VMFLOW_BPF_PACKET_PARSE_H
#define VMFLOW_BPF_PACKET_PARSE_H

#include <linux/types.h>

#ifndef __bpf__
#include <string.h>
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#endif

// include/uapi/linux/if_ether.h, include/uapi/linux/in.h, include/uapi/linux/in6.h
#define PACKET_ETHERNET_BYTES 14u
#define PACKET_TYPE_IPV4 0x0800u
#define PACKET_TYPE_IPV6 0x86ddu
#define PACKET_TYPE_VLAN 0x8100u
#define PACKET_TYPE_QINQ 0x88a8u
#define PACKET_TCP 6u
#define PACKET_V6_HOP 0u
#define PACKET_V6_ROUTING 43u
#define PACKET_V6_FRAGMENT 44u
#define PACKET_V6_DESTINATION 60u
/// More tags or extension headers than any honest frame has are not followed.
#define PACKET_MOST_TAGS 2
#define PACKET_MOST_EXTENSIONS 4

enum packet_finding {
  PACKET_IS_TCP,
  PACKET_IS_OTHER, ///< no TCP, or not its first fragment
  PACKET_IS_CUT    ///< its headers are not in the linear part, or contradict one another
};

/// A frame. Shape: `linear` bytes from `data` on may be read, `bytes` it has in all.
struct packet_frame {
  const unsigned char *data;
  __u32 linear;
  __u32 bytes;
};

/// Shape: in the host's byte order; of IPv4 only the low halves of the addresses' second part are set.
struct packet_segment {
  __u64 source[2];
  __u64 destination[2];
  __u32 sequence;
  __u32 acknowledgement;
  __u32 payload_bytes;
  __u16 source_port;
  __u16 destination_port;
  __u16 offset_flags; ///< the 13th and 14th byte of the header
  __u16 is_v6;
};

/// 0 if all of it is there.
static __always_inline int packet_read(const struct packet_frame *frame, __u32 at, void *to, __u32 size) {
  if (at > frame->linear || frame->linear - at < size) return -1;
#ifdef __bpf__
  return bpf_probe_read_kernel(to, size, frame->data + at) ? -1 : 0;
#else
  memcpy(to, frame->data + at, size);
  return 0;
#endif
}

static __always_inline __u32 packet_u16(const unsigned char *at) { return (__u32)at[0] << 8 | at[1]; }
static __always_inline __u32 packet_u32(const unsigned char *at) {
  return packet_u16(at) << 16 | packet_u16(at + 2);
}
static __always_inline __u64 packet_u64(const unsigned char *at) {
  return (__u64)packet_u32(at) << 32 | packet_u32(at + 4);
}

// `bytes` from the TCP header on belong to the packet.
static __always_inline enum packet_finding packet_parse_tcp(const struct packet_frame *frame, __u32 at, __u32 bytes,
                                                            struct packet_segment *segment) {
  unsigned char header[16];
  __u32 header_bytes;
  if (packet_read(frame, at, header, sizeof(header))) return PACKET_IS_CUT;
  segment->source_port = (__u16)packet_u16(header);
  segment->destination_port = (__u16)packet_u16(header + 2);
  segment->sequence = packet_u32(header + 4);
  segment->acknowledgement = packet_u32(header + 8);
  segment->offset_flags = (__u16)packet_u16(header + 12);
  header_bytes = (__u32)(segment->offset_flags >> 12) * 4;
  if (header_bytes < 20 || header_bytes > bytes) return PACKET_IS_CUT;
  segment->payload_bytes = bytes - header_bytes;
  return PACKET_IS_TCP;
}

// What the packet has from `at` on, if its header says `told`; a header that cannot hold the size of a segment that
// an offload will cut says 0.
static __always_inline __u32 packet_bytes(const struct packet_frame *frame, __u32 at, __u32 told) {
  __u32 there = frame->bytes > at ? frame->bytes - at : 0;
  return told ? told : there;
}

static __always_inline enum packet_finding packet_parse_v4(const struct packet_frame *frame, __u32 at,
                                                           struct packet_segment *segment) {
  unsigned char header[20];
  __u32 header_bytes, bytes;
  if (packet_read(frame, at, header, sizeof(header))) return PACKET_IS_CUT;
  if (header[9] != PACKET_TCP || (packet_u16(header + 6) & 0x1fff)) return PACKET_IS_OTHER;
  header_bytes = (__u32)(header[0] & 0xf) * 4;
  bytes = packet_bytes(frame, at, packet_u16(header + 2));
  if (header[0] >> 4 != 4 || header_bytes < 20 || bytes < header_bytes || at + bytes > frame->bytes)
    return PACKET_IS_CUT;
  segment->is_v6 = 0;
  segment->source[0] = segment->destination[0] = 0;
  segment->source[1] = packet_u32(header + 12);
  segment->destination[1] = packet_u32(header + 16);
  return packet_parse_tcp(frame, at + header_bytes, bytes - header_bytes, segment);
}

// Of an extension header the next one's kind and its own length, 0 if it is none that may stand before TCP.
static __always_inline __u32 packet_extension(const struct packet_frame *frame, __u32 at, __u32 kind, __u32 *next) {
  unsigned char header[4] = {0, 0, 0, 0};
  if (kind != PACKET_V6_HOP && kind != PACKET_V6_ROUTING && kind != PACKET_V6_FRAGMENT &&
      kind != PACKET_V6_DESTINATION)
    return 0;
  if (packet_read(frame, at, header, sizeof(header))) return 0;
  *next = header[0];
  if (kind != PACKET_V6_FRAGMENT) return ((__u32)header[1] + 1) * 8;
  return packet_u16(header + 2) & 0xfff8 ? 0 : 8;
}

static __always_inline enum packet_finding packet_parse_v6(const struct packet_frame *frame, __u32 at,
                                                           struct packet_segment *segment) {
  unsigned char header[40];
  __u32 kind, bytes;
  if (packet_read(frame, at, header, sizeof(header))) return PACKET_IS_CUT;
  if (header[0] >> 4 != 6) return PACKET_IS_CUT;
  segment->is_v6 = 1;
  segment->source[0] = packet_u64(header + 8);
  segment->source[1] = packet_u64(header + 16);
  segment->destination[0] = packet_u64(header + 24);
  segment->destination[1] = packet_u64(header + 32);
  kind = header[6];
  at += sizeof(header);
  bytes = packet_bytes(frame, at, packet_u16(header + 4));
  if (at + bytes > frame->bytes) return PACKET_IS_CUT;
  for (int i = 0; i < PACKET_MOST_EXTENSIONS && kind != PACKET_TCP; i++) {
    __u32 next = 0, length = packet_extension(frame, at, kind, &next);
    if (!length) return PACKET_IS_OTHER;
    if (length > bytes) return PACKET_IS_CUT;
    kind = next;
    at += length;
    bytes -= length;
  }
  return kind == PACKET_TCP ? packet_parse_tcp(frame, at, bytes, segment) : PACKET_IS_OTHER;
}

/// From the network's header at `at` on, or VLAN tags before it. `type` is Ethernet's.
static __always_inline enum packet_finding packet_parse_network(const struct packet_frame *frame, __u32 at,
                                                                __u32 type, struct packet_segment *segment) {
  unsigned char tag[4];
  for (int i = 0; i < PACKET_MOST_TAGS && (type == PACKET_TYPE_VLAN || type == PACKET_TYPE_QINQ); i++) {
    if (packet_read(frame, at, tag, sizeof(tag))) return PACKET_IS_CUT;
    type = packet_u16(tag + 2);
    at += sizeof(tag);
  }
  if (type == PACKET_TYPE_IPV4) return packet_parse_v4(frame, at, segment);
  if (type == PACKET_TYPE_IPV6) return packet_parse_v6(frame, at, segment);
  return PACKET_IS_OTHER;
}

/// From the Ethernet header on.
static __always_inline enum packet_finding packet_parse_ethernet(const struct packet_frame *frame,
                                                                 struct packet_segment *segment) {
  unsigned char type[2];
  if (packet_read(frame, PACKET_ETHERNET_BYTES - 2, type, sizeof(type))) return PACKET_IS_CUT;
  return packet_parse_network(frame, PACKET_ETHERNET_BYTES, packet_u16(type), segment);
}

#endif
