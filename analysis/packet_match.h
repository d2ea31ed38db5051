// SPDX-License-Identifier: GPL-2.0-only
// The same packets on two hosts: sent by one, received by the other.
//
// A bridging host sees a packet twice: it comes in at one device and goes out at another. So what
// one host has sent and the other received is at first a pair of two *devices* (a link), and only
// time tells which links are the wire between the hosts: of the others, as a packet that host B
// hands to its guest's tap and that host A had from its own guest before, everything is received
// before it was sent. See align_clocks().
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/packet_book.h"

namespace vmflow {

/// What makes a pair of two packets.
enum class PairKind : uint8_t {
  kKey,    ///< the same header, once on either side
  kOrder,  ///< the same header as often on both sides, and only one order fits: see in_order()
  kRange,  ///< cut or joined on the way: the last byte of the received packet was in the sent one
};

/// One packet that went from a host to the other. Units: each of its own host's clock.
/// Shape: `sent` and `received` are places among PacketBook::packets() of their hosts.
struct PacketPair {
  uint64_t sent_ns = 0;
  uint64_t received_ns = 0;
  PairKind kind = PairKind::kKey;
  uint32_t sent = 0;
  uint32_t received = 0;
};

/// Shape: by time of sending.
struct PacketLink {
  std::string device_a;
  std::string device_b;
  std::vector<PacketPair> a_to_b;
  std::vector<PacketPair> b_to_a;
};

/// What has become of one packet that a host has seen.
enum class PacketOutcome : uint32_t {
  kPaired,
  kOtherFlow,    ///< the other host has seen nothing of that connection
  kAlone,        ///< the other host has not seen it: lost, or outside its trace
  kRepeated,     ///< sent again or twice, and nothing tells which copy is which
  kResegmented,  ///< cut or joined on the way, and its bytes were in several packets
  kBothWays,     ///< one device has both sent and received it
  kTooManyDevices,
};
constexpr uint32_t kPacketOutcomes = 7;
using PacketOutcomes = std::array<uint64_t, kPacketOutcomes>;

/// In words, for a report.
std::string_view packet_outcome_text(PacketOutcome outcome);

/// Shape: the outcomes' sum is all packets of both books; `links` those with the most pairs first.
struct PacketMatch {
  std::vector<PacketLink> links;
  PacketOutcomes outcomes{};
};

/// Errors: none; what matches nothing, or several, is counted. Never more pairs than
///         kMostDevicesOfAPacket squared for each packet; time n log n in the number of packets,
///         whatever they say.
PacketMatch match_packets(const PacketBook& a, const PacketBook& b);

/// A packet that is flooded to more devices than this tells nothing about which one was the wire.
constexpr uint32_t kMostDevicesOfAPacket = 4;

}  // namespace vmflow
