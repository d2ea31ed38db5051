// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/host_clocks.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_packets.h"

namespace vmflow::test {
namespace {

using enum AlignmentQuality;

constexpr uint64_t kSecond = 1'000'000'000;

HostPair pair_of(uint32_t first, uint32_t second, AlignmentQuality quality, int64_t offset_ns,
                 uint64_t accuracy_ns) {
  HostPair pair;
  pair.first = first;
  pair.second = second;
  pair.alignment.quality = quality;
  pair.alignment.map = {.base_ns = kSecond, .offset_ns = offset_ns, .drift = 0};
  pair.alignment.accuracy_begin_ns = pair.alignment.accuracy_end_ns = accuracy_ns;
  return pair;
}

/// Host B's clock is 5 s ahead. Guest 1 is A's, guest 2 B's; a packet takes 10 us from a tap to the
/// card and 100 us from card to card.
struct BridgedHosts {
  DrawnPacketHost a, b;
  uint64_t sequence = 0;

  void talk(uint64_t at) {
    const auto there = segment(1, 2, static_cast<uint32_t>(sequence), 10);
    const auto back = segment(2, 1, static_cast<uint32_t>(sequence), 10);
    sequence += 10;
    a.receives(at, there, "tap1");
    a.sends(at + 10'000, there, "eth0");
    b.receives(5 * kSecond + at + 110'000, there, "eth0");
    b.sends(5 * kSecond + at + 120'000, there, "tap2");
    b.receives(5 * kSecond + at + 200'000, back, "tap2");
    b.sends(5 * kSecond + at + 210'000, back, "eth0");
    a.receives(at + 310'000, back, "eth0");
    a.sends(at + 320'000, back, "tap1");
  }
};

/// The packets of a book that `wanted` wants, in another one.
template <typename Wanted>
void keep(const PacketBook& from, DrawnPacketHost& to, Wanted wanted) {
  for (const auto& seen : from.packets())
    for (const auto& [flow, place] : from.flows())
      if (place == seen.flow && wanted(seen, flow))
        to.book.add(seen.ns, packet(seen.sent, from.devices()[seen.device],
                                    {.flow = flow,
                                     .sequence = seen.sequence,
                                     .acknowledgement = seen.acknowledgement,
                                     .offset_flags = seen.offset_flags,
                                     .payload_bytes = seen.payload_bytes}));
}

}  // namespace

TEST(HostClocks, the_wire_is_told_from_the_taps_by_time) {
  BridgedHosts hosts;
  for (uint64_t i = 1; i <= 100; i++) hosts.talk(i * kSecond / 10);
  const auto pair = align_hosts(match_packets(hosts.a.book, hosts.b.book), {});
  EXPECT_EQ(pair.links_used, 1u);
  EXPECT_EQ(pair.links_contradicting, 1u);
  EXPECT_EQ(pair.alignment.quality, kAccurate);
  EXPECT_NEAR(static_cast<double>(pair.alignment.map.to_b(2 * kSecond)), 7e9, 10);
  EXPECT_NEAR(static_cast<double>(pair.alignment.accuracy_ns()), 100'000, 2'000);
  EXPECT_EQ(pair.alignment.a_to_b, 100u);
  EXPECT_EQ(pair.alignment.b_to_a, 100u);
}

// Which of the two is the wire cannot be known: no packet came back.
TEST(HostClocks, bridged_packets_of_one_direction_alone_are_no_alignment) {
  BridgedHosts hosts;
  for (uint64_t i = 1; i <= 100; i++) hosts.talk(i * kSecond / 10);
  DrawnPacketHost a, b;
  const auto is_there = [](const SeenPacket&, const auto& flow) {
    return flow.source_port == 1001;
  };
  keep(hosts.a.book, a, is_there);
  keep(hosts.b.book, b, is_there);
  EXPECT_EQ(align_hosts(match_packets(a.book, b.book), {}).alignment.quality, kAbsent);
}

// A recorder that tells no headers of what comes from a tap: of the taps packets of one direction
// are left, which alone would not contradict themselves.
TEST(HostClocks, links_of_one_direction_are_not_asked_where_one_of_both_is_there) {
  BridgedHosts hosts;
  for (uint64_t i = 1; i <= 100; i++) hosts.talk(i * kSecond / 10);
  DrawnPacketHost b;
  const auto& devices = hosts.b.book.devices();
  keep(hosts.b.book, b, [&](const SeenPacket& seen, const auto&) {
    return seen.sent || devices[seen.device] != "tap2";
  });
  const auto pair = align_hosts(match_packets(hosts.a.book, b.book), {});
  EXPECT_EQ(pair.links_used, 1u);
  EXPECT_EQ(pair.alignment.quality, kAccurate);
  EXPECT_EQ(pair.alignment.contradicting, 0u);
}

TEST(HostClocks, hosts_that_talk_themselves_and_no_bridge) {
  DrawnPacketHost a, b;
  for (uint32_t i = 0; i < 10; i++) {
    a.sends(i * kSecond + 1000, segment(1, 2, i, 1));
    b.receives(i * kSecond + 1500, segment(1, 2, i, 1));
  }
  const auto pair = align_hosts(match_packets(a.book, b.book), {});
  EXPECT_EQ(pair.alignment.quality, kApproximate) << "one direction";
  EXPECT_EQ(pair.alignment.bound, AlignmentBound::kAtMost);
}

// Copies of an acknowledgement look as if they were one gap too early.
TEST(HostClocks, copies_told_by_their_order_do_not_set_a_clock) {
  DrawnPacketHost a, b;
  for (uint32_t i = 0; i < 10; i++) {
    a.sends(i * kSecond + 1000, segment(1, 2, 7, 0));
    b.receives(i * kSecond + 1500, segment(1, 2, 7, 0));
  }
  const auto pair = align_hosts(match_packets(a.book, b.book), {});
  EXPECT_EQ(pair.by_order, 10u);
  EXPECT_EQ(pair.alignment.quality, kAbsent);
}

TEST(HostClocks, three_hosts_go_along_the_closest_pairs) {
  //  A - B 100 ns, B - C 200 ns, A - C only to 5 us: C goes over B
  const std::vector<HostPair> pairs{pair_of(0, 1, kAccurate, 1000, 100),
                                    pair_of(0, 2, kAccurate, 3500, 5000),
                                    pair_of(1, 2, kAccurate, 2000, 200)};
  const auto clocks = chain_clocks(3, pairs);
  EXPECT_EQ(clocks[0].map, ClockMap{});
  EXPECT_EQ(clocks[1].map.to_b(kSecond), kSecond + 1000);
  EXPECT_EQ(clocks[2].via, 1u);
  EXPECT_EQ(clocks[2].map.to_b(kSecond), kSecond + 3000);
  EXPECT_EQ(clocks[2].map.to_a(kSecond + 3000), kSecond);
  EXPECT_NEAR(static_cast<double>(clocks[2].accuracy_ns), 300, 2);
  EXPECT_EQ(clocks[2].quality, kAccurate);
}

TEST(HostClocks, a_chain_goes_backwards_too_and_is_as_good_as_its_worst_pair) {
  const std::vector<HostPair> pairs{pair_of(0, 2, kAccurate, 1000, 100),
                                    pair_of(1, 2, kApproximate, 400, 0)};
  const auto clocks = chain_clocks(4, pairs);
  EXPECT_EQ(clocks[1].via, 2u);
  EXPECT_EQ(clocks[1].quality, kApproximate);
  EXPECT_EQ(clocks[1].map.to_b(kSecond), kSecond + 600) << "C is 1000 ahead of A, and 400 of B";
  EXPECT_EQ(clocks[3].quality, kAbsent) << "nobody talks to it";
}

TEST(HostClocks, accurate_pairs_go_before_approximate_ones) {
  const std::vector<HostPair> pairs{pair_of(0, 1, kAccurate, 10, 9'000),
                                    pair_of(0, 2, kApproximate, 20, 0),
                                    pair_of(1, 2, kAccurate, 30, 9'000)};
  const auto clocks = chain_clocks(3, pairs);
  EXPECT_EQ(clocks[2].quality, kAccurate);
  EXPECT_EQ(clocks[2].map.offset_ns, 40);
}

}  // namespace vmflow::test
