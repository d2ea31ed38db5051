// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ring_events.h"

#include <algorithm>
#include <cstring>

#include "agent/sources/bpf_programs.h"

namespace vmflow {
namespace {

Comm comm_of(const ring_record& record) {
  Comm comm{};
  static_assert(sizeof(comm) == 2 * sizeof(record.value[0]));
  std::memcpy(comm.data(), &record.value[2], sizeof(comm));
  return comm;
}

uint32_t low(uint64_t value) {
  return static_cast<uint32_t>(value);
}
uint32_t high(uint64_t value) {
  return static_cast<uint32_t>(value >> 32);
}

SwitchEvent switch_of(const ring_record& record) {
  SwitchEvent event{.prev_tid = record.tid,
                    .next_tid = low(record.value[0]),
                    .prev_state = low(record.value[1]),
                    .preempted = (record.value[1] & RING_PREEMPT) != 0,
                    .prev_comm = {},
                    .next_comm = {}};
  const bool next_is_vcpu = (record.value[1] & RING_NEXT_IS_VCPU) != 0;
  (next_is_vcpu ? event.prev_comm : event.next_comm) = comm_of(record);
  return event;
}

/// What is written before a packet on the same CPU: the addresses of IPv6.
struct RingAddresses {
  uint64_t ns = 0;
  IpAddress source;
  IpAddress destination;
};

/// An interrupt between the two may have written a packet of its own: then they are of another
/// time, and the packet goes without its header.
std::optional<TcpSegment> segment_of(const ring_record& record, const RingAddresses& addresses) {
  const auto& value = record.value;
  const bool is_v6 = (value[1] & RING_PACKET_IS_V6) != 0;
  if ((value[1] & RING_PACKET_IS_TCP) == 0 || (is_v6 && addresses.ns != record.ns))
    return std::nullopt;
  constexpr uint64_t kMapped = 0xffff'0000'0000;
  TcpSegment segment;
  segment.flow.source = is_v6 ? addresses.source : IpAddress{0, kMapped | low(record.kvm)};
  segment.flow.destination =
      is_v6 ? addresses.destination : IpAddress{0, kMapped | high(record.kvm)};
  segment.flow.source_port = static_cast<uint16_t>(record.vcpu_id >> 16);
  segment.flow.destination_port = static_cast<uint16_t>(record.vcpu_id);
  segment.sequence = low(value[0]);
  segment.acknowledgement = high(value[0]);
  segment.offset_flags = static_cast<uint16_t>(value[1]);
  segment.payload_bytes = low(value[1] >> 16);
  return segment;
}

/// The events of one record, appended; false if its kind is not known.
bool append(std::vector<Event>& events, const ring_record& record, uint32_t cpu, uint32_t isa,
            RingAddresses& addresses) {
  const auto& value = record.value;
  const auto add = [&](EventData data) {
    events.push_back({.ns = record.ns,
                      .cpu = cpu,
                      .tid = record.tid,
                      .tgid = record.tgid,
                      .kvm = record.kvm,
                      .data = data});
    return true;
  };
  // Never a default: the compiler names a kind that was forgotten.
  switch (static_cast<ring_kind>(record.kind)) {
    case RING_ENTRY:
      return add(EntryEvent{record.vcpu_id});
    case RING_EXIT: {
      const bool has_registers = (value[0] & RING_HAS_REGISTERS) != 0;
      add(ExitEvent{.code = low(value[0]),
                    .isa = isa,
                    .rip = has_registers ? value[1] : 0,
                    .vcpu_id = record.vcpu_id});
      return !has_registers ||
             add(RegistersEvent{.cr3 = value[2], .rsp = value[3], .cpl = high(value[0]) & 3});
    }
    case RING_USERSPACE_EXIT:
      return add(UserspaceExitEvent{low(value[0]), static_cast<int32_t>(low(value[1]))});
    case RING_RUN:
      return add(RunEvent{});
    case RING_HALT_END:
      return add(HaltEndEvent{.halt_ns = value[0],
                              .polled_ns = value[1],
                              .waited = (value[2] & 1) != 0,
                              .valid = (value[2] & 2) != 0});
    case RING_NESTED_ENTER:
      return add(NestedEnterEvent{value[0], value[1]});
    case RING_NESTED_EXIT:
      return add(NestedExitEvent{});
    case RING_NESTED_REFLECT:
      return add(NestedReflectEvent{low(value[0])});
    case RING_ACCEPT:
      return add(AcceptEvent{low(value[0]), low(value[1]), low(value[2])});
    case RING_ROUTE:
      return add(RouteEvent{});
    case RING_PAGE_READY:
      return add(PageReadyEvent{});
    case RING_SWITCH:
      return add(switch_of(record));
    case RING_OUT:
      return add(VcpuOutEvent{low(value[0]), high(value[0]), value[1] != 0});
    case RING_IN:
      return add(VcpuInEvent{value[0] != 0, value[1], value[2]});
    case RING_WAKE:
      add(WakingEvent{.tid = low(value[0]), .target_cpu = high(value[0]), .comm = {}});
      return add(WakeEvent{low(value[0]), value[1]});
    case RING_MIGRATE:
      return add(MigrateEvent{low(value[0]), low(value[1]), high(value[1])});
    case RING_THREAD_EXIT:
      return add(ThreadExitEvent{record.tid});
    case RING_PACKET:
      add(PacketEvent{.sent = (value[1] & RING_PACKET_SENT) != 0,
                      .segment = segment_of(record, addresses),
                      .device = comm_of(record)});
      events.back().kvm = 0;  // it has the addresses
      return true;
    case RING_PACKET_ADDRESSES:
      addresses = {record.ns, {value[0], value[1]}, {value[2], value[3]}};
      return true;
    case RING_KINDS:
      break;
  }
  return false;
}

}  // namespace

uint64_t RingReading::whole_from_ns() const {
  uint64_t latest_ns = 0;
  for (const auto& [cpu, ns] : whole_from) latest_ns = std::max(latest_ns, ns);
  return latest_ns;
}

RingReading ring_events(std::span<const RingCopy> cpus, uint32_t isa) {
  RingReading reading;
  for (const auto& copy : cpus) {
    const uint64_t places = copy.records.size();
    const uint64_t overwritten = copy.head_after > places ? copy.head_after - places : 0;
    uint64_t oldest_ns = 0;
    RingAddresses addresses;
    for (uint64_t at = overwritten; at < copy.head; at++) {
      const auto& record = copy.records[at % places];
      if (record.ns == 0) {
        reading.torn++;
        continue;
      }
      if (oldest_ns == 0) oldest_ns = record.ns;
      if (!append(reading.events, record, copy.cpu, isa, addresses)) reading.unknown++;
    }
    if (overwritten == 0) continue;
    reading.whole_from[copy.cpu] = oldest_ns;
  }
  std::ranges::stable_sort(reading.events, {}, &Event::ns);
  return reading;
}

void RingReading::begin_at(uint64_t since_ns, std::span<const RingCopy> cpus) {
  std::erase_if(events, [&](const Event& event) { return event.ns < since_ns; });
  for (const auto& copy : cpus) {
    auto& whole_from_ns = whole_from[copy.cpu];
    whole_from_ns = std::max(whole_from_ns, since_ns);
  }
}

RingReading read_ring(const BpfPrograms& programs, uint32_t isa) {
  const uint64_t places = programs.ring_records();
  if (programs.ring() == nullptr || places == 0) return {};
  std::vector<std::vector<ring_record>> copies(programs.cpu_count());
  std::vector<RingCopy> cpus;
  for (uint32_t cpu = 0; cpu < programs.cpu_count(); cpu++) {
    const auto* head = &programs.cpus()[cpu].ring_head;
    RingCopy copy{.records = {}, .head = __atomic_load_n(head, __ATOMIC_ACQUIRE), .cpu = cpu};
    if (copy.head == 0) continue;
    const auto* from = programs.ring() + cpu * places;
    copies[cpu].assign(from, from + std::min(copy.head, places));
    // What is not there yet has never been written.
    copies[cpu].resize(places);
    copy.head_after = __atomic_load_n(head, __ATOMIC_ACQUIRE);
    copy.records = copies[cpu];
    cpus.push_back(copy);
  }
  auto reading = ring_events(cpus, isa);
  if (const uint64_t since_ns = programs.recording_since_ns(); since_ns != 0)
    reading.begin_at(since_ns, cpus);
  return reading;
}

uint64_t ring_bytes(const BpfPrograms& programs) {
  uint64_t records = 0;
  for (uint32_t cpu = 0; cpu < programs.cpu_count() && programs.ring() != nullptr; cpu++)
    records +=
        std::min<uint64_t>(__atomic_load_n(&programs.cpus()[cpu].ring_head, __ATOMIC_RELAXED),
                           programs.ring_records());
  return records * sizeof(ring_record);
}

uint64_t ring_span_ns(const BpfPrograms& programs, uint64_t now_ns) {
  const uint64_t places = programs.ring_records();
  if (programs.ring() == nullptr || places == 0) return 0;
  uint64_t least_ns = UINT64_MAX, most_ns = 0;
  for (uint32_t cpu = 0; cpu < programs.cpu_count(); cpu++) {
    const uint64_t head = __atomic_load_n(&programs.cpus()[cpu].ring_head, __ATOMIC_ACQUIRE);
    if (head == 0) continue;
    const uint64_t oldest = head > places ? head : 0;
    const auto& record = programs.ring()[cpu * places + oldest % places];
    const uint64_t ns = __atomic_load_n(&record.ns, __ATOMIC_RELAXED);
    if (ns == 0 || ns > now_ns) continue;
    most_ns = std::max(most_ns, now_ns - ns);
    if (head > places) least_ns = std::min(least_ns, now_ns - ns);
  }
  return least_ns == UINT64_MAX ? most_ns : least_ns;
}

}  // namespace vmflow
