// SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0)
// The flight recorder of the kernel side: per CPU the last events, as the programs have seen them. Common subset of C
// and C++20. What a record says as an event is decided in agent/sources/ring_events.
#ifndef VMFLOW_BPF_RING_RECORDS_H
#define VMFLOW_BPF_RING_RECORDS_H

#include <linux/types.h>

/// What a record is about, and what its four values are.
enum ring_kind {
  RING_ENTRY,          ///< none
  RING_EXIT,           ///< code | cpl << 32 | RING_HAS_REGISTERS; rip; cr3; rsp
  RING_USERSPACE_EXIT, ///< reason; errno, negative
  RING_RUN,            ///< none
  RING_HALT_END,       ///< duration of the halt; of it polled; waited | valid << 1
  RING_NESTED_ENTER,   ///< VMCB12; root of its page tables
  RING_NESTED_EXIT,    ///< none
  RING_NESTED_REFLECT, ///< code
  RING_ACCEPT,         ///< vCPU id; vector; delivery mode
  RING_ROUTE,          ///< none
  RING_PAGE_READY,     ///< none
  RING_SWITCH,         ///< next tid | next tgid << 32; task state | preempt << 63; name of next, or of prev if next is a vCPU
  RING_OUT,            ///< enum flow_state | enum flow_block << 32; 1 if the quota is used up
  RING_IN,             ///< in KVM_RUN; ns of the sleep with a disk request in flight, with a packet waiting
  RING_WAKE,           ///< tid of the vCPU | its CPU << 32; flow_waker()
  RING_MIGRATE,        ///< tid; from | to << 32
  RING_THREAD_EXIT,    ///< none
  RING_PACKET,         ///< TCP: seq | ack << 32; offset and flags | payload << 16 | RING_PACKET_…; name of the device
  RING_PACKET_ADDRESSES, ///< IPv6's source, destination: of the RING_PACKET of the same CPU and time
  RING_KINDS
};

#define RING_HAS_REGISTERS (1ull << 63)
#define RING_PREEMPT (1ull << 63)
#define RING_NEXT_IS_VCPU (1ull << 62) ///< in the second value of RING_SWITCH
// In the second value of RING_PACKET. Its `kvm` is IPv4's source | destination << 32, its `vcpu_id` the ports:
// source << 16 | destination.
#define RING_PACKET_IS_TCP (1ull << 63) ///< else the header could not be read
#define RING_PACKET_SENT (1ull << 62)
#define RING_PACKET_IS_V6 (1ull << 61)
#define RING_PACKET_KINDS (1u << RING_PACKET | 1u << RING_PACKET_ADDRESSES)
#define RING_ALL_KINDS ((1u << RING_KINDS) - 1)

/// One event. Writer: the CPU's own programs, also one that interrupts another: each takes a place of its own.
/// Units: `ns` is CLOCK_MONOTONIC, 0 while the record is being written.
struct ring_record {
  __u64 ns;
  __u64 kvm;  ///< address of struct kvm; 0: no vCPU's event
  __u32 kind; ///< enum ring_kind
  __u32 tid;  ///< the thread on the CPU
  __u32 tgid;
  __u32 vcpu_id;
  __u64 value[4];
};

#ifdef __cplusplus
static_assert(sizeof(ring_record) == 64);
#endif

#endif
