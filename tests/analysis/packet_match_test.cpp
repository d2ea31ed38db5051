// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/packet_match.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <vector>

#include "analysis/packet_ranges.h"
#include "tests/analysis/drawn_packets.h"

namespace vmflow::test {
namespace {

using enum PacketOutcome;

struct Hosts {
  DrawnPacketHost a, b;

  PacketMatch match() const {
    const auto found = match_packets(a.book, b.book);
    const auto sum = std::accumulate(found.outcomes.begin(), found.outcomes.end(), uint64_t{0});
    EXPECT_EQ(sum, a.book.packets().size() + b.book.packets().size()) << "each has one outcome";
    return found;
  }
};

uint64_t count(const PacketMatch& match, PacketOutcome outcome) {
  return match.outcomes[static_cast<uint32_t>(outcome)];
}

using Pairs = std::vector<std::tuple<uint64_t, uint64_t, PairKind>>;
Pairs pairs_of(const std::vector<PacketPair>& pairs) {
  Pairs all;
  for (const auto& pair : pairs) all.emplace_back(pair.sent_ns, pair.received_ns, pair.kind);
  return all;
}
Pairs a_to_b(const PacketMatch& match) {
  return match.links.size() == 1 ? pairs_of(match.links[0].a_to_b) : Pairs{};
}

}  // namespace

TEST(PacketMatch, the_same_header_on_both_hosts_is_one_packet) {
  Hosts hosts;
  //                 host A, its clock                        host B, an hour ahead
  hosts.a.sends(100, segment(1, 2, 5000, 10));
  hosts.b.receives(3'600'000'000'130, segment(1, 2, 5000, 10));
  hosts.b.sends(3'600'000'000'200, segment(2, 1, 70, 1, 5010));
  hosts.a.receives(260, segment(2, 1, 70, 1, 5010));
  const auto match = hosts.match();
  ASSERT_EQ(match.links.size(), 1u);
  EXPECT_EQ(match.links[0].device_a, "eth0");
  EXPECT_EQ(pairs_of(match.links[0].a_to_b), (Pairs{{100, 3'600'000'000'130, PairKind::kKey}}));
  EXPECT_EQ(pairs_of(match.links[0].b_to_a), (Pairs{{3'600'000'000'200, 260, PairKind::kKey}}));
  EXPECT_EQ(count(match, kPaired), 4u);
}

TEST(PacketMatch, every_part_of_the_header_counts) {
  for (int part = 0; part < 7; part++) {
    Hosts hosts;
    auto other = segment(1, 2, 5000, 10);
    hosts.a.sends(100, other);
    if (part == 0) other.sequence++;
    if (part == 1) other.acknowledgement++;
    if (part == 2) other.offset_flags ^= 1;
    if (part == 3) other.payload_bytes = 0;
    if (part == 4) other.flow.source.low++;
    if (part == 5) other.flow.destination.high++;
    if (part == 6) other.flow.source_port++;
    hosts.b.receives(200, other);
    for (const auto& pair : a_to_b(hosts.match()))
      EXPECT_EQ(std::get<2>(pair), PairKind::kRange) << part;
  }
}

TEST(PacketMatch, lost_and_foreign_packets_are_counted_and_reordered_ones_match) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 0, 10));
  hosts.a.sends(110, segment(1, 2, 10, 10));  // lost
  hosts.a.sends(120, segment(1, 2, 20, 10));
  hosts.a.sends(130, segment(7, 8, 20, 10));  // to somewhere else
  hosts.b.receives(300, segment(1, 2, 20, 10));
  hosts.b.receives(310, segment(1, 2, 0, 10));
  const auto match = hosts.match();
  EXPECT_EQ(a_to_b(match), (Pairs{{100, 310, PairKind::kKey}, {120, 300, PairKind::kKey}}));
  EXPECT_EQ(count(match, kAlone), 1u);
  EXPECT_EQ(count(match, kOtherFlow), 1u);
}

TEST(PacketMatch, retransmissions_far_apart_are_told_by_their_order) {
  Hosts hosts;
  for (const uint64_t ns : {0, 200'000, 600'000}) {
    hosts.a.sends(1000 + ns, segment(1, 2, 5, 10));
    hosts.b.receives(9000 + ns + ns / 1000, segment(1, 2, 5, 10));
  }
  EXPECT_EQ(a_to_b(hosts.match()), (Pairs{{1000, 9000, PairKind::kOrder},
                                          {201'000, 209'200, PairKind::kOrder},
                                          {601'000, 609'600, PairKind::kOrder}}));
}

TEST(PacketMatch, a_retransmission_of_a_lost_packet_is_not_guessed) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 5, 10));
  hosts.a.sends(300, segment(1, 2, 5, 10));
  hosts.b.receives(350, segment(1, 2, 5, 10));
  const auto match = hosts.match();
  EXPECT_TRUE(match.links.empty());
  EXPECT_EQ(count(match, kRepeated), 3u);
}

// The network has doubled it, or its first copy was sent before the trace of A began.
TEST(PacketMatch, what_is_received_more_often_than_sent_is_not_guessed) {
  Hosts hosts;
  hosts.a.sends(1000, segment(1, 2, 5, 10));
  hosts.b.receives(1100, segment(1, 2, 5, 10));
  hosts.b.receives(201'000, segment(1, 2, 5, 10));
  EXPECT_EQ(count(hosts.match(), kRepeated), 3u);
}

// Pure acknowledgements in a burst: as many on both sides, but one may have been lost and another
// one doubled.
TEST(PacketMatch, copies_closer_together_than_their_times_differ_are_not_told) {
  Hosts hosts;
  for (const uint64_t ns : {100, 110, 120}) hosts.a.sends(ns, segment(1, 2, 5, 0, 9, kAck));
  for (const uint64_t ns : {200, 235, 236}) hosts.b.receives(ns, segment(1, 2, 5, 0, 9, kAck));
  const auto match = hosts.match();
  EXPECT_TRUE(match.links.empty());
  EXPECT_EQ(count(match, kRepeated), 6u);
}

// The first was lost and the second doubled by the network: as many, but the gaps differ.
TEST(PacketMatch, a_lost_and_a_doubled_copy_are_not_told) {
  Hosts hosts;
  hosts.a.sends(1000, segment(1, 2, 5, 10));
  hosts.a.sends(201'000, segment(1, 2, 5, 10));
  hosts.b.receives(201'100, segment(1, 2, 5, 10));
  hosts.b.receives(201'101, segment(1, 2, 5, 10));
  EXPECT_EQ(count(hosts.match(), kRepeated), 4u);
}

TEST(PacketMatch, a_packet_that_is_cut_on_its_way_matches_by_its_last_byte) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 0, 3000));  // one to the card, three on the wire
  hosts.b.receives(210, segment(1, 2, 0, 1000, 1, kAck));
  hosts.b.receives(220, segment(1, 2, 1000, 1000, 1, kAck));
  hosts.b.receives(230, segment(1, 2, 2000, 1000));
  const auto match = hosts.match();
  EXPECT_EQ(a_to_b(match), (Pairs{{100, 210, PairKind::kRange},
                                  {100, 220, PairKind::kRange},
                                  {100, 230, PairKind::kRange}}));
  EXPECT_EQ(count(match, kPaired), 4u);
}

TEST(PacketMatch, packets_that_are_joined_on_their_way_match_with_the_last_of_them) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 0, 1000));
  hosts.a.sends(110, segment(1, 2, 1000, 1000));
  hosts.b.receives(300, segment(1, 2, 0, 2000));
  const auto match = hosts.match();
  EXPECT_EQ(a_to_b(match), (Pairs{{110, 300, PairKind::kRange}}));
  EXPECT_EQ(count(match, kResegmented), 1u) << "the first";
}

TEST(PacketMatch, bytes_that_were_sent_in_two_packets_tell_nothing) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 0, 2000));
  hosts.a.sends(900, segment(1, 2, 1000, 500));  // again, cut otherwise
  hosts.b.receives(1000, segment(1, 2, 0, 1200));
  const auto match = hosts.match();
  EXPECT_TRUE(match.links.empty());
  EXPECT_GE(count(match, kResegmented), 1u);
}

TEST(PacketMatch, sequence_numbers_wrap_around) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 0xfffffc00, 2000));  // until 976
  hosts.b.receives(200, segment(1, 2, 0xfffffc00, 1024));
  hosts.b.receives(210, segment(1, 2, 0, 976));
  EXPECT_EQ(a_to_b(hosts.match()),
            (Pairs{{100, 200, PairKind::kRange}, {100, 210, PairKind::kRange}}));
}

// A packet of host A's guest for host B's: it is seen twice on both.
TEST(PacketMatch, a_bridging_host_gives_a_link_for_each_pair_of_devices) {
  Hosts hosts;
  const auto what = segment(1, 2, 5, 10);
  hosts.a.receives(100, what, "tap1");
  hosts.a.sends(110, what, "eth0");
  hosts.b.receives(210, what, "eth1");
  hosts.b.sends(220, what, "tap2");
  const auto match = hosts.match();
  ASSERT_EQ(match.links.size(), 2u);
  const bool first_is_wire = match.links[0].device_a == "eth0";
  const auto& wire = match.links[first_is_wire ? 0 : 1];
  const auto& taps = match.links[first_is_wire ? 1 : 0];
  EXPECT_EQ(pairs_of(wire.a_to_b), (Pairs{{110, 210, PairKind::kKey}}));
  EXPECT_EQ(wire.device_b, "eth1");
  EXPECT_EQ(pairs_of(taps.b_to_a), (Pairs{{220, 100, PairKind::kKey}}));
  EXPECT_EQ(taps.device_a + taps.device_b, "tap1tap2");
}

TEST(PacketMatch, what_one_device_sends_and_receives_goes_nowhere) {
  Hosts hosts;
  hosts.a.sends(100, segment(1, 2, 5, 10), "lo");
  hosts.a.receives(101, segment(1, 2, 5, 10), "lo");
  hosts.b.receives(200, segment(1, 2, 5, 10));
  const auto match = hosts.match();
  EXPECT_TRUE(match.links.empty());
  EXPECT_EQ(count(match, kBothWays), 2u);
}

TEST(PacketMatch, a_flooded_packet_tells_nothing) {
  Hosts hosts;
  for (const auto* device : {"a", "b", "c", "d", "e"})
    hosts.a.sends(100, segment(1, 2, 5, 10), device);
  hosts.b.receives(200, segment(1, 2, 5, 10));
  EXPECT_EQ(count(hosts.match(), kTooManyDevices), 6u);
}

TEST(PacketBook, what_is_too_much_or_nothing_is_counted) {
  PacketBook book({.max_packets = 3, .max_flows = 2, .max_devices = 2});
  book.add(1, PacketEvent{});
  book.add(1, packet(true, "eth0", segment(1, 2, 0, 1u << 30)));
  book.add(1, packet(true, "eth0", segment(1, 2, 0, 1)));
  book.add(1, packet(true, "eth1", segment(2, 1, 0, 1)));
  book.add(1, packet(true, "eth0", segment(1, 3, 0, 1)));  // a third flow
  book.add(1, packet(true, "eth2", segment(1, 2, 0, 1)));  // a third device
  book.add(1, packet(true, "eth0", segment(1, 2, 1, 1)));
  book.add(1, packet(true, "eth0", segment(1, 2, 2, 1)));  // a fourth packet
  EXPECT_EQ(book.packets().size(), 3u);
  EXPECT_EQ(book.left_out().without_segment, 1u);
  EXPECT_EQ(book.left_out().impossible, 1u);
  EXPECT_EQ(book.left_out().too_many, 3u);
}

// Neither equal keys nor nested ranges may cost more than sorting them.
TEST(PacketMatch, hostile_packets_take_no_longer_than_honest_ones) {
  const auto seconds_of = [](bool equal, uint32_t packets) {
    Hosts hosts;
    for (uint32_t i = 0; i < packets; i++) {
      hosts.a.sends(i, segment(1, 2, equal ? 0 : i % 65536, 60000));
      hosts.b.receives(i, segment(1, 2, equal ? 0 : i % 65536, 60001, 1, kAck));
      if (equal) hosts.b.receives(i / 2, segment(1, 2, 0, 60000));
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(hosts.match().links.empty());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  // Quadratic would be minutes, under the sanitizers an hour.
  EXPECT_LT(seconds_of(true, 100'000), 30);
  EXPECT_LT(seconds_of(false, 100'000), 30);
}

TEST(PacketRanges, a_byte_is_in_the_ranges_that_hold_it) {
  const std::vector<ByteRange> ranges{{10, 10}, {15, 10}, {0xfffffff0, 0x20}, {40, 0}};
  const std::vector<uint32_t> points{9, 10, 14, 15, 19, 20, 24, 25, 0xffffffff, 0, 15, 40};
  std::vector<uint32_t> counts;
  for (const auto& at : ranges_at(ranges, points)) counts.push_back(at.count);
  //                                        9  10 14 15 19 20 24 25 ff 0  15 40
  EXPECT_EQ(counts, (std::vector<uint32_t>{1, 2, 2, 3, 2, 1, 1, 0, 1, 1, 3, 0}));
  EXPECT_EQ(ranges_at(ranges, points)[5].number, 1u);
  EXPECT_EQ(ranges_at(ranges, points)[8].number, 2u);
}

}  // namespace vmflow::test
