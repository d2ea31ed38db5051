// SPDX-License-Identifier: GPL-2.0-only
// The packets that one host has seen, kept small enough for millions of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/event.h"

namespace vmflow {

/// What hostile traces could make grow; what is over is counted.
struct PacketLimits {
  uint64_t max_packets = 2'000'000;
  uint32_t max_flows = 65536;
  uint32_t max_devices = 1024;
};

/// One packet at one device of one host, 40 bytes.
/// Units: `ns` of that host's clock. Shape: `flow` and `device` are places in the book; `tid` is the
/// thread that ran on `cpu` then, in whose time the packet was handled: 0 if nobody's, or not told.
struct SeenPacket {
  uint64_t ns = 0;
  uint32_t tid = 0;
  uint32_t flow = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint32_t payload_bytes = 0;
  uint16_t offset_flags = 0;
  uint16_t device = 0;
  uint16_t cpu = kNoCpu;
  bool sent = false;
};

/// Packets that are not in a book, and why.
struct PacketsLeftOut {
  uint64_t without_segment = 0;  ///< no TCP, or the header was not told
  uint64_t impossible = 0;       ///< a payload that no packet has
  uint64_t too_many = 0;         ///< packets, flows or devices
};

/// Threads: one.
class PacketBook {
 public:
  PacketBook() = default;
  explicit PacketBook(PacketLimits limits) : limits_(limits) {}

  /// Units: `ns` of the host's clock. Packets may come in any order.
  void add(uint64_t ns, const PacketEvent& packet, uint32_t tid = 0, uint32_t cpu = kNoCpu);

  const std::vector<SeenPacket>& packets() const { return packets_; }
  const std::map<TcpFlow, uint32_t>& flows() const { return flows_; }
  const std::vector<std::string>& devices() const { return devices_; }
  const PacketsLeftOut& left_out() const { return left_out_; }

 private:
  bool place_device(const Comm& name, uint16_t& place);
  bool place_flow(const TcpFlow& flow, uint32_t& place);

  PacketLimits limits_;
  std::vector<SeenPacket> packets_;
  std::map<TcpFlow, uint32_t> flows_;
  std::map<std::string, uint16_t, std::less<>> device_places_;
  std::vector<std::string> devices_;
  PacketsLeftOut left_out_;
};

}  // namespace vmflow
