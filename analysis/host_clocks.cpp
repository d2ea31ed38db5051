// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/host_clocks.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

#include "analysis/clock_hull.h"

namespace vmflow {
namespace {

using enum AlignmentQuality;

// Copies that were told apart by their order are left out: a mistake there would look like a
// packet that took no time.
void add_pairs(const PacketLink& link, ClockPairs& pairs) {
  for (const auto& pair : link.a_to_b)
    if (pair.kind != PairKind::kOrder) pairs.a_to_b.push_back({pair.sent_ns, pair.received_ns});
  for (const auto& pair : link.b_to_a)
    if (pair.kind != PairKind::kOrder) pairs.b_to_a.push_back({pair.received_ns, pair.sent_ns});
}

bool is_empty(const ClockPairs& pairs) {
  return pairs.a_to_b.empty() && pairs.b_to_a.empty();
}

uint64_t by_order(const PacketLink& link) {
  const auto is_by_order = [](const PacketPair& pair) { return pair.kind == PairKind::kOrder; };
  return static_cast<uint64_t>(std::ranges::count_if(link.a_to_b, is_by_order) +
                               std::ranges::count_if(link.b_to_a, is_by_order));
}

/// A way that leads from a host whose clock is known to one whose is not.
struct Way {
  uint32_t to = 0;
  HostClock clock;
  auto rank() const { return std::tuple(clock.quality != kAccurate, clock.accuracy_ns, to); }
};

Way follow(const HostPair& pair, const HostClock& known, bool is_forward) {
  const auto& alignment = pair.alignment;
  Way way{is_forward ? pair.second : pair.first, {}};
  way.clock.via = is_forward ? pair.first : pair.second;
  way.clock.map = known.map.then(is_forward ? alignment.map : alignment.map.inverse());
  way.clock.quality = std::min(known.quality, alignment.quality);
  // A nanosecond of one clock is not quite one of another.
  way.clock.accuracy_ns =
      known.accuracy_ns + static_cast<uint64_t>(std::ceil(
                              static_cast<double>(alignment.accuracy_ns()) * (1 + kMostDrift)));
  return way;
}

}  // namespace

HostPair align_hosts(const PacketMatch& match, ClockSpan span) {
  HostPair result;
  result.outcomes = match.outcomes;
  ClockPairs both_ways, one_way;
  uint64_t links_both = 0, links_one = 0;
  for (const auto& link : match.links) {
    ClockPairs pairs;
    add_pairs(link, pairs);
    result.by_order += by_order(link);
    if (is_empty(pairs)) continue;
    const auto quality = align_clocks(pairs, span).quality;
    if (quality == kAbsent) result.links_contradicting++;
    if (quality == kAccurate) links_both++;
    if (quality == kApproximate) links_one++;
    if (quality != kAbsent) add_pairs(link, quality == kAccurate ? both_ways : one_way);
  }
  const bool has_both = !is_empty(both_ways);
  result.links_used = has_both ? links_both : links_one;
  result.alignment = align_clocks(has_both ? both_ways : one_way, span);
  return result;
}

std::vector<HostClock> chain_clocks(uint32_t hosts, std::span<const HostPair> pairs) {
  std::vector<HostClock> clocks(hosts);
  if (hosts == 0) return clocks;
  clocks[0].quality = kAccurate;
  const auto is_known = [&](uint32_t host) { return clocks[host].quality != kAbsent; };
  for (uint32_t round = 1; round < hosts; round++) {
    std::vector<Way> ways;
    for (const auto& pair : pairs) {
      if (pair.alignment.quality == kAbsent || pair.first >= hosts || pair.second >= hosts ||
          is_known(pair.first) == is_known(pair.second))
        continue;
      const bool is_forward = is_known(pair.first);
      ways.push_back(follow(pair, clocks[is_forward ? pair.first : pair.second], is_forward));
    }
    if (ways.empty()) break;
    const auto best = std::ranges::min(ways, {}, &Way::rank);
    clocks[best.to] = best.clock;
  }
  return clocks;
}

}  // namespace vmflow
