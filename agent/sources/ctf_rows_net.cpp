// SPDX-License-Identifier: GPL-2.0-only
// Packets that a host hands to a device or gets from one. LTTng's are read; the ring's are written
// flat under a name of their own, since LTTng's shape is of variants.
#include "agent/sources/ctf_rows.h"

namespace vmflow {
namespace {

using enum CtfType;
using enum CtfUse;

template <bool kSent>
std::optional<EventData> read_lttng(const CtfValues& v, bool) {
  return PacketEvent{.sent = kSent, .segment = v.segment, .device = v.text[0]};
}

template <bool kSent>
CtfEvent lttng_row(std::string_view name) {
  return {name,
          kind_of<PacketEvent>(),
          {{"name", kText, kOptional}, {"network_header", kNetworkHeader, kOptional}},
          read_lttng<kSent>,
          nullptr};
}

std::optional<EventData> read_own(const CtfValues& v, bool) {
  PacketEvent packet{.sent = (v.number[1] & 1) != 0, .segment = std::nullopt, .device = v.text[0]};
  if ((v.number[1] & 2) == 0) return packet;
  packet.segment = TcpSegment{.flow = {.source = {v.number[2], v.number[3]},
                                       .destination = {v.number[4], v.number[5]},
                                       .source_port = static_cast<uint16_t>(v.u32(6) >> 16),
                                       .destination_port = static_cast<uint16_t>(v.u32(6))},
                              .sequence = v.u32(7),
                              .acknowledgement = v.u32(8),
                              .offset_flags = static_cast<uint16_t>(v.number[9]),
                              .payload_bytes = v.u32(10)};
  return packet;
}

bool write_own(const EventData& data, const ThreadNames&, CtfValues& v) {
  const auto& packet = std::get<PacketEvent>(data);
  const auto tcp = packet.segment.value_or(TcpSegment{});
  const auto& flow = tcp.flow;
  v.text[0] = packet.device;
  v.number = {0,
              (packet.sent ? 1u : 0u) | (packet.segment ? 2u : 0u),
              flow.source.high,
              flow.source.low,
              flow.destination.high,
              flow.destination.low,
              uint64_t{flow.source_port} << 16 | flow.destination_port,
              tcp.sequence,
              tcp.acknowledgement,
              tcp.offset_flags,
              tcp.payload_bytes};
  return true;
}

}  // namespace

std::vector<CtfEvent> packet_ctf_rows() {
  std::vector<CtfEvent> rows{lttng_row<true>("net_dev_queue"),
                             lttng_row<false>("net_if_receive_skb")};
  // Bits of `flags`: sent; TCP's header is told.
  rows.push_back({"vmflow_packet",
                  kind_of<PacketEvent>(),
                  {{"name", kText},
                   {"flags", kU8},
                   {"saddr_high", kAddress},
                   {"saddr_low", kAddress},
                   {"daddr_high", kAddress},
                   {"daddr_low", kAddress},
                   {"ports", kU32},
                   {"seq", kU32},
                   {"ack_seq", kU32},
                   {"offset_flags", kU16},
                   {"payload_len", kU32}},
                  read_own,
                  write_own});
  return rows;
}

}  // namespace vmflow
