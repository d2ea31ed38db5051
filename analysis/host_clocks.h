// SPDX-License-Identifier: GPL-2.0-only
// The clocks of several hosts against the first one's, from the packets that they have exchanged.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/clock_alignment.h"
#include "analysis/packet_match.h"

namespace vmflow {

/// Two hosts' clocks, and what that was found from.
/// Shape: `first` < `second`, places in the list of hosts; `alignment` is from first to second.
struct HostPair {
  uint32_t first = 0;
  uint32_t second = 0;
  ClockAlignment alignment;
  PacketOutcomes outcomes{};
  uint64_t by_order = 0;             ///< pairs that are not trusted for clocks
  uint64_t links_used = 0;           ///< pairs of devices between which packets went
  uint64_t links_contradicting = 0;  ///< others that are not the wire: see packet_match.h
};

/// The two clocks from the links that have packets in both directions and do not contradict
/// themselves; if there is none, from those of one direction.
HostPair align_hosts(const PacketMatch& match, ClockSpan span);

/// One host's clock against the first host's. Shape: `map` is from the first host's clock to this
/// one's; `via` is the host over which it is known, itself for the first one.
struct HostClock {
  AlignmentQuality quality = AlignmentQuality::kAbsent;
  uint32_t via = 0;
  ClockMap map;
  uint64_t accuracy_ns = 0;  ///< sum along the way; means nothing unless kAccurate
};

/// Along the best pairs, from the first host on (a spanning tree): accurate ones before
/// approximate ones, and of those the closest first.
/// Errors: a host that no pair leads to is kAbsent.
std::vector<HostClock> chain_clocks(uint32_t hosts, std::span<const HostPair> pairs);

}  // namespace vmflow
