// SPDX-License-Identifier: GPL-2.0-only
// Packets for tests of matching and clocks.
#pragma once

#include <algorithm>
#include <string_view>

#include "analysis/packet_book.h"

namespace vmflow::test {

inline IpAddress ip(uint32_t last) {
  return {0, 0xffff0a000000u + last};  // ::ffff:10.0.0.last
}

inline constexpr uint16_t kPush = 0x8018, kAck = 0x8010;

/// From `from` to `to`, of the connection between ports 1000 + from and 1000 + to.
inline TcpSegment segment(uint32_t from, uint32_t to, uint32_t sequence, uint32_t bytes,
                          uint32_t acknowledgement = 1, uint16_t offset_flags = kPush) {
  return {.flow = {ip(from), ip(to), static_cast<uint16_t>(1000 + from),
                   static_cast<uint16_t>(1000 + to)},
          .sequence = sequence,
          .acknowledgement = acknowledgement,
          .offset_flags = offset_flags,
          .payload_bytes = bytes};
}

inline PacketEvent packet(bool sent, std::string_view device, const TcpSegment& segment) {
  PacketEvent event{.sent = sent, .segment = segment, .device = {}};
  std::copy_n(device.begin(), std::min(device.size(), event.device.size()), event.device.begin());
  return event;
}

/// One host that draws what it sees.
struct DrawnPacketHost {
  PacketBook book{};

  void sends(uint64_t ns, const TcpSegment& what, std::string_view device = "eth0") {
    book.add(ns, packet(true, device, what));
  }
  void receives(uint64_t ns, const TcpSegment& what, std::string_view device = "eth0") {
    book.add(ns, packet(false, device, what));
  }
};

}  // namespace vmflow::test
