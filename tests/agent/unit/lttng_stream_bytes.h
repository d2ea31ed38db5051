// SPDX-License-Identifier: GPL-2.0-only
// Packets as lttng-modules writes them, without events.
#pragma once

#include <cstdint>
#include <string>

namespace vmflow::test {

struct DrawnPacket {
  uint32_t cpu = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
  uint64_t content = 84;  ///< bytes
  uint64_t sequence = 0;
  uint64_t discarded = 0;
};

/// Shape: 4,096 bytes.
inline std::string packet_bytes(const DrawnPacket& packet) {
  constexpr size_t kSize = 4096;
  std::string bytes;
  const auto add = [&](uint64_t number, int width) {
    for (int i = 0; i < width; i++) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  };
  add(0xC1FC1FC1, 4);
  bytes += std::string(16, 'u');
  add(0, 4);
  add(packet.cpu, 8);
  for (const auto number : {packet.begin, packet.end, packet.content * 8, uint64_t{kSize} * 8,
                            packet.sequence, packet.discarded})
    add(number, 8);
  add(packet.cpu, 4);
  bytes.resize(kSize);
  return bytes;
}

}  // namespace vmflow::test
