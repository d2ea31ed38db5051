// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/packet_match.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <span>
#include <tuple>

#include "analysis/packet_ranges.h"

namespace vmflow {
namespace {

using enum PacketOutcome;
using Places = std::vector<uint32_t>;  // in PacketBook::packets()
using PlaceSpan = std::span<const uint32_t>;

/// By the places of the sending and the receiving device.
using PairsByDevices = std::map<std::pair<uint16_t, uint16_t>, std::vector<PacketPair>>;

constexpr uint32_t kNoFlow = UINT32_MAX;

/// One host's packets while they are matched.
struct Side {
  explicit Side(const PacketBook& from)
      : book(from), flow(from.flows().size(), kNoFlow), outcomes(from.packets().size(), kAlone) {}

  const SeenPacket& at(uint32_t i) const { return book.packets()[i]; }
  auto key(uint32_t i) const {
    const auto& p = at(i);
    return std::tuple(flow[p.flow], p.sequence, p.acknowledgement, p.payload_bytes, p.offset_flags);
  }
  /// What it was is kept if it has found a pair.
  void mark(uint32_t i, PacketOutcome outcome) {
    if (outcomes[i] != kPaired) outcomes[i] = outcome;
  }
  void mark_all(PlaceSpan all, PacketOutcome outcome) {
    for (const auto i : all) mark(i, outcome);
  }

  const PacketBook& book;
  std::vector<uint32_t> flow;  ///< by the book's number: one that both hosts share, or kNoFlow
  std::vector<PacketOutcome> outcomes;
};

void share_flows(Side& a, Side& b) {
  uint32_t shared = 0;
  for (const auto& [flow, place] : a.book.flows()) {
    const auto other = b.book.flows().find(flow);
    if (other == b.book.flows().end()) continue;
    a.flow[place] = b.flow[other->second] = shared++;
  }
  for (auto* side : {&a, &b})
    for (uint32_t i = 0; i < side->outcomes.size(); i++)
      if (side->flow[side->at(i).flow] == kNoFlow) side->outcomes[i] = kOtherFlow;
}

/// The packets that may have been on the way, by header, device and time.
Places sorted_places(const Side& side) {
  Places all;
  for (uint32_t i = 0; i < side.outcomes.size(); i++)
    if (side.outcomes[i] != kOtherFlow) all.push_back(i);
  std::ranges::sort(all, {}, [&](uint32_t i) {
    return std::tuple_cat(side.key(i), std::tuple(side.at(i).device, side.at(i).ns));
  });
  return all;
}

/// Splits `all` where `part` changes.
template <typename Part>
std::vector<PlaceSpan> split(PlaceSpan all, Part part) {
  std::vector<PlaceSpan> parts;
  for (size_t begin = 0, i = 0; i < all.size(); i++)
    if (i + 1 == all.size() || part(all[i + 1]) != part(all[begin])) {
      parts.push_back(all.subspan(begin, i + 1 - begin));
      begin = i + 1;
    }
  return parts;
}

std::vector<PlaceSpan> by_device(const Side& side, PlaceSpan all) {
  return split(all, [&](uint32_t i) { return side.at(i).device; });
}

// What the same device has both sent and received does not go from one host to the other: a
// loopback, or a source that tells no devices.
Places take_one_way(Side& side, const Places& all, bool sent) {
  Places kept;
  for (const auto group : split(all, [&](uint32_t i) {
         return std::tuple_cat(side.key(i), std::tuple(side.at(i).device));
       })) {
    const bool is_first = side.at(group.front()).sent;
    if (std::ranges::all_of(group, [&](uint32_t i) { return side.at(i).sent == is_first; })) {
      if (is_first == sent) kept.insert(kept.end(), group.begin(), group.end());
    } else {
      side.mark_all(group, kBothWays);
    }
  }
  return kept;
}

// Copies of one header, n of them sent and n received. They are paired in order if all took about
// as long, and the copies are further apart than that differs: had one been lost and another one
// doubled, or were the first ones outside a trace, times would differ by a gap.
bool in_order(const Side& from, PlaceSpan sent, const Side& to, PlaceSpan received) {
  using Wide = __int128;
  if (sent.size() != received.size()) return false;
  const auto took = [&](size_t i) {
    return Wide{to.at(received[i]).ns} - Wide{from.at(sent[i]).ns};
  };
  Wide least = took(0), most = took(0), gap = Wide{1} << 100;
  for (size_t i = 1; i < sent.size(); i++) {
    least = std::min(least, took(i));
    most = std::max(most, took(i));
    gap = std::min({gap, Wide{from.at(sent[i]).ns} - Wide{from.at(sent[i - 1]).ns},
                    Wide{to.at(received[i]).ns} - Wide{to.at(received[i - 1]).ns}});
  }
  return 2 * (most - least) < gap;
}

/// One direction: from the host that sends to the one that receives.
class Direction {
 public:
  Direction(Side& from, Side& to, const Places& sorted_from, const Places& sorted_to,
            PairsByDevices& pairs)
      : from_(from),
        to_(to),
        sent_(take_one_way(from, sorted_from, true)),
        received_(take_one_way(to, sorted_to, false)),
        pairs_(pairs) {}

  void match_keys() {
    const auto groups_sent = split(sent_, [&](uint32_t i) { return from_.key(i); });
    const auto groups_received = split(received_, [&](uint32_t i) { return to_.key(i); });
    auto other = groups_received.begin();
    for (const auto sent : groups_sent) {
      while (other != groups_received.end() && to_.key(other->front()) < from_.key(sent.front()))
        ++other;
      if (other == groups_received.end()) break;
      if (to_.key(other->front()) == from_.key(sent.front())) match_group(sent, *other);
    }
  }

  /// Of those without a pair, by the bytes that they carry.
  void match_ranges() {
    const auto flow_of = [](const Side& side) {
      return [&](uint32_t i) { return side.flow[side.at(i).flow]; };
    };
    const auto of_sent = flow_of(from_), of_received = flow_of(to_);
    const auto flows_received = split(received_, of_received);
    auto other = flows_received.begin();
    for (const auto sent : split(sent_, of_sent)) {
      while (other != flows_received.end() && of_received(other->front()) < of_sent(sent.front()))
        ++other;
      if (other == flows_received.end()) break;
      if (of_received(other->front()) == of_sent(sent.front())) match_flow(sent, *other);
    }
  }

 private:
  void add_pair(uint32_t sent, uint32_t received, PairKind kind) {
    const auto &from = from_.at(sent), &to = to_.at(received);
    pairs_[{from.device, to.device}].push_back({from.ns, to.ns, kind, sent, received});
    from_.mark(sent, kPaired);
    to_.mark(received, kPaired);
  }

  void match_group(PlaceSpan sent, PlaceSpan received) {
    const auto devices_from = by_device(from_, sent), devices_to = by_device(to_, received);
    if (std::max(devices_from.size(), devices_to.size()) > kMostDevicesOfAPacket) {
      from_.mark_all(sent, kTooManyDevices);
      to_.mark_all(received, kTooManyDevices);
      return;
    }
    for (const auto of_from : devices_from)
      for (const auto of_to : devices_to) {
        const bool is_one = of_from.size() == 1 && of_to.size() == 1;
        if (is_one || in_order(from_, of_from, to_, of_to)) {
          for (size_t i = 0; i < of_from.size(); i++)
            add_pair(of_from[i], of_to[i], is_one ? PairKind::kKey : PairKind::kOrder);
        } else {
          from_.mark_all(of_from, kRepeated);
          to_.mark_all(of_to, kRepeated);
        }
      }
  }

  static ByteRange range_of(const SeenPacket& packet) {
    return {packet.sequence, packet.payload_bytes};
  }
  static uint32_t last_byte(const SeenPacket& packet) {
    return packet.sequence + packet.payload_bytes - 1;
  }

  /// Those that carry bytes, by device.
  static std::map<uint16_t, Places> with_data(const Side& side, PlaceSpan all) {
    std::map<uint16_t, Places> devices;
    for (const auto i : all)
      if (side.at(i).payload_bytes > 0) devices[side.at(i).device].push_back(i);
    return devices;
  }

  static Places alone_of(const Side& side, const Places& all) {
    Places alone;
    std::ranges::copy_if(all, std::back_inserter(alone),
                         [&](uint32_t i) { return side.outcomes[i] == kAlone; });
    return alone;
  }

  void match_flow(PlaceSpan sent, PlaceSpan received) {
    const auto devices_from = with_data(from_, sent), devices_to = with_data(to_, received);
    if (std::max(devices_from.size(), devices_to.size()) > kMostDevicesOfAPacket) return;
    // Before any link has found pairs: each link looks for its own.
    std::map<uint16_t, Places> alone_from, alone_to;
    for (const auto& [device, all] : devices_from) alone_from[device] = alone_of(from_, all);
    for (const auto& [device, all] : devices_to) alone_to[device] = alone_of(to_, all);
    for (const auto& [from, all_from] : devices_from)
      for (const auto& [to, all_to] : devices_to)
        match_bytes(all_from, alone_from[from], all_to, alone_to[to]);
  }

  // The last byte of what was received had been sent before, in whichever packet it was: if it
  // was in one only, and was received once, that is a pair.
  void match_bytes(const Places& all_from, const Places& alone_from, const Places& all_to,
                   const Places& alone_to) {
    if (alone_from.empty() && alone_to.empty()) return;
    std::vector<ByteRange> ranges_from, ranges_to;
    std::vector<uint32_t> bytes_from, bytes_to;
    for (const auto i : all_from) ranges_from.push_back(range_of(from_.at(i)));
    for (const auto i : all_to) ranges_to.push_back(range_of(to_.at(i)));
    for (const auto i : alone_from) bytes_from.push_back(last_byte(from_.at(i)));
    for (const auto i : alone_to) bytes_to.push_back(last_byte(to_.at(i)));
    const auto sent = ranges_at(ranges_from, bytes_to), copies = ranges_at(ranges_to, bytes_to);
    for (size_t i = 0; i < alone_to.size(); i++) {
      if (sent[i].count == 1 && copies[i].count == 1)
        add_pair(all_from[sent[i].number], alone_to[i], PairKind::kRange);
      else if (sent[i].count > 0)
        to_.mark(alone_to[i], kResegmented);
    }
    const auto arrived = ranges_at(ranges_to, bytes_from);
    for (size_t i = 0; i < alone_from.size(); i++)
      if (arrived[i].count > 0) from_.mark(alone_from[i], kResegmented);
  }

  Side &from_, &to_;
  Places sent_, received_;
  PairsByDevices& pairs_;
};

std::vector<PacketLink> links_of(const PacketBook& a, const PacketBook& b, PairsByDevices& a_to_b,
                                 PairsByDevices& b_to_a) {
  std::map<std::pair<uint16_t, uint16_t>, PacketLink> links;  // by devices of a, b
  for (auto& [devices, pairs] : a_to_b) links[devices].a_to_b = std::move(pairs);
  for (auto& [devices, pairs] : b_to_a)
    links[{devices.second, devices.first}].b_to_a = std::move(pairs);
  std::vector<PacketLink> all;
  for (auto& [devices, link] : links) {
    link.device_a = a.devices()[devices.first];
    link.device_b = b.devices()[devices.second];
    for (auto* pairs : {&link.a_to_b, &link.b_to_a})
      std::ranges::sort(*pairs, {}, [](const PacketPair& pair) {
        return std::tuple(pair.sent_ns, pair.received_ns);
      });
    all.push_back(std::move(link));
  }
  std::ranges::stable_sort(all, std::greater{}, [](const PacketLink& link) {
    return link.a_to_b.size() + link.b_to_a.size();
  });
  return all;
}

}  // namespace

std::string_view packet_outcome_text(PacketOutcome outcome) {
  switch (outcome) {
    case kPaired:
      return "seen on both hosts";
    case kOtherFlow:
      return "of connections that the other host does not see";
    case kAlone:
      return "not seen by the other host: lost, or outside its trace";
    case kRepeated:
      return "sent again or twice: which copy is which is not told";
    case kResegmented:
      return "cut or joined on the way, with bytes that were in several packets";
    case kBothWays:
      return "sent and received by one and the same device";
    case kTooManyDevices:
      return "at too many devices at once";
  }
  return "";
}

PacketMatch match_packets(const PacketBook& a, const PacketBook& b) {
  Side side_a(a), side_b(b);
  share_flows(side_a, side_b);
  const auto sorted_a = sorted_places(side_a), sorted_b = sorted_places(side_b);
  PairsByDevices a_to_b, b_to_a;
  Direction there(side_a, side_b, sorted_a, sorted_b, a_to_b);
  Direction back(side_b, side_a, sorted_b, sorted_a, b_to_a);
  there.match_keys();
  back.match_keys();
  there.match_ranges();
  back.match_ranges();
  PacketMatch match;
  for (const auto* side : {&side_a, &side_b})
    for (const auto outcome : side->outcomes) match.outcomes[static_cast<uint32_t>(outcome)]++;
  match.links = links_of(a, b, a_to_b, b_to_a);
  return match;
}

}  // namespace vmflow
