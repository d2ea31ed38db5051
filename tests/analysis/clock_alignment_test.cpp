// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/clock_alignment.h"

#include <gtest/gtest.h>

#include <chrono>

namespace vmflow::test {
namespace {

using enum AlignmentQuality;

constexpr uint64_t kBoot = 1'000'000'000'000'000'000;  // 1e18: where doubles have lost 128 ns
constexpr uint64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * static_cast<int64_t>(kSecond);

/// Packets between two hosts whose clocks are known.
struct Wire {
  int64_t offset_ns = 0;
  double drift = 0;
  ClockPairs pairs = {};

  uint64_t clock_b(uint64_t a_ns) const {
    return a_ns + static_cast<uint64_t>(offset_ns) +
           static_cast<uint64_t>(static_cast<int64_t>(drift * static_cast<double>(a_ns - kBoot)));
  }
  /// Sent at a_ns of clock A by host A, or by host B; takes took_ns.
  void there(uint64_t a_ns, uint64_t took_ns) {
    pairs.a_to_b.push_back({a_ns, clock_b(a_ns + took_ns)});
  }
  void back(uint64_t a_ns, uint64_t took_ns) {
    pairs.b_to_a.push_back({a_ns + took_ns, clock_b(a_ns)});
  }
};

double nanoseconds(int64_t a, int64_t b) {
  return static_cast<double>(a - b);
}

}  // namespace

TEST(ClockAlignment, one_packet_each_way_gives_the_offset_and_half_of_both_times_as_its_accuracy) {
  Wire wire{.offset_ns = kHour};
  wire.there(kBoot, 40);  // B is ahead by at most one hour + 40
  wire.back(kBoot, 20);   // and by at least one hour - 20
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.quality, kAccurate);
  EXPECT_EQ(alignment.map.to_b(kBoot), kBoot + kHour + 10);
  EXPECT_EQ(alignment.map.to_a(kBoot + kHour + 10), kBoot);
  // (40 + 20) / 2, one for clocks that are cut to nanoseconds, one for rounding up.
  EXPECT_NEAR(nanoseconds(static_cast<int64_t>(alignment.accuracy_ns()), 30), 0, 2);
  EXPECT_EQ(alignment.a_to_b, 1u);
  EXPECT_EQ(alignment.b_to_a, 1u);
}

TEST(ClockAlignment, one_packet_each_way_tells_no_drift_and_says_so) {
  Wire wire;
  wire.there(kBoot, 40);
  wire.back(kBoot, 20);
  const auto alignment = align_clocks(wire.pairs, {kBoot, kBoot + kSecond});
  EXPECT_NEAR(alignment.drift_accuracy, 1e-3, 1e-6) << "as much as any clock drifts";
  EXPECT_NEAR(static_cast<double>(alignment.accuracy_begin_ns), 30, 2);
  EXPECT_NEAR(static_cast<double>(alignment.accuracy_end_ns), 1'000'030, 3) << "1 s of 1000 ppm";
}

TEST(ClockAlignment, hours_of_offset_and_50_ppm_of_drift_over_a_minute) {
  Wire wire{.offset_ns = -5 * kHour, .drift = 50e-6};
  for (uint64_t second = 0; second <= 60; second++) {
    wire.there(kBoot + second * kSecond, 100'000 + 7919 * (second % 13));
    wire.back(kBoot + second * kSecond + kSecond / 2, 80'000 + 6007 * (second % 11));
  }
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.quality, kAccurate);
  EXPECT_NEAR(alignment.map.drift, 50e-6, alignment.drift_accuracy + 1e-12);
  EXPECT_LT(alignment.drift_accuracy, 5e-6) << "200 us there and back over 60 s";
  EXPECT_LT(alignment.accuracy_ns(), 200'000u);
  for (uint64_t second = 0; second <= 60; second++) {
    const uint64_t a_ns = kBoot + second * kSecond;
    const auto error = std::abs(nanoseconds(static_cast<int64_t>(alignment.map.to_b(a_ns)),
                                            static_cast<int64_t>(wire.clock_b(a_ns))));
    EXPECT_LE(error, static_cast<double>(alignment.accuracy_ns())) << second;
  }
}

TEST(ClockAlignment, the_fastest_packets_alone_decide) {
  Wire wire{.offset_ns = 777};
  for (uint64_t i = 0; i <= 1000; i++) {
    wire.there(kBoot + i * 1000, i % 100 == 0 ? 10 : 500 + i);
    wire.back(kBoot + i * 1000, i % 100 == 0 ? 10 : 900 + i);
  }
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.map.to_b(kBoot), kBoot + 777);
  EXPECT_LE(alignment.accuracy_ns(), 12u);
  EXPECT_EQ(alignment.a_to_b, 1001u);
}

TEST(ClockAlignment, of_one_direction_the_offset_is_bounded_on_one_side) {
  Wire there{.offset_ns = kHour}, back{.offset_ns = kHour};
  for (uint64_t i = 0; i <= 10; i++) {
    there.there(kBoot + i * kSecond, 100 + i % 3);
    back.back(kBoot + i * kSecond, 100 + i % 3);
  }
  const auto at_most = align_clocks(there.pairs, {}), at_least = align_clocks(back.pairs, {});
  EXPECT_EQ(at_most.quality, kApproximate);
  EXPECT_EQ(at_most.bound, AlignmentBound::kAtMost);
  EXPECT_NEAR(nanoseconds(at_most.map.offset_ns, kHour), 100, 2) << "as if it took no time";
  EXPECT_EQ(at_least.bound, AlignmentBound::kAtLeast);
  EXPECT_NEAR(nanoseconds(at_least.map.offset_ns, kHour), -100, 2);
  EXPECT_EQ(at_most.a_to_b, 11u);
  EXPECT_EQ(at_most.b_to_a, 0u);
  EXPECT_EQ(alignment_quality_text(at_most).substr(0, 11), "approximate");
}

TEST(ClockAlignment, of_nothing_there_is_none) {
  const auto alignment = align_clocks({}, {kBoot, kBoot + kSecond});
  EXPECT_EQ(alignment.quality, kAbsent);
  EXPECT_EQ(alignment_quality_text(alignment), "absent: no packet was seen on both hosts");
}

TEST(ClockAlignment, packets_received_before_they_were_sent_are_counted_and_left_out) {
  Wire wire{.offset_ns = kHour, .drift = 20e-6};
  for (uint64_t i = 0; i <= 100; i++) {
    wire.there(kBoot + i * kSecond, 1000 + i % 7);
    wire.back(kBoot + i * kSecond, 1000 + i % 5);
  }
  // A retransmission was taken for the first copy: 200 ms before it was sent.
  for (const uint64_t second : {0, 33, 100})
    wire.pairs.a_to_b.push_back(
        {kBoot + second * kSecond, wire.clock_b(kBoot + second * kSecond) - kSecond / 5});
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.quality, kAccurate);
  EXPECT_GE(alignment.contradicting, 3u);
  EXPECT_LE(alignment.contradicting, 3u * 4);
  EXPECT_LE(alignment.accuracy_ns(), 1200u);
  for (const uint64_t second : {0, 50, 100})
    EXPECT_LE(
        std::abs(nanoseconds(static_cast<int64_t>(alignment.map.to_b(kBoot + second * kSecond)),
                             static_cast<int64_t>(wire.clock_b(kBoot + second * kSecond)))),
        static_cast<double>(alignment.accuracy_ns()));
}

// Who is right cannot be told by how many they are.
TEST(ClockAlignment, where_more_than_a_third_would_be_left_out_there_is_none) {
  Wire wire{.offset_ns = kHour};
  for (uint64_t i = 0; i < 4; i++) {
    const uint64_t a_ns = kBoot + i * kSecond;
    if (i < 3) wire.there(a_ns, 100);
    if (i < 3) wire.back(a_ns, 100);
    wire.pairs.a_to_b.push_back({a_ns + 7, wire.clock_b(a_ns) - kSecond / 5});
  }
  EXPECT_EQ(align_clocks(wire.pairs, {}).quality, kAbsent);
}

// As the taps of two bridges: see packet_match.h.
TEST(ClockAlignment, a_link_whose_packets_all_contradict_is_none) {
  Wire wire{.offset_ns = kHour};
  for (uint64_t i = 0; i <= 1000; i++) {
    wire.pairs.a_to_b.push_back({kBoot + i * 1000, kBoot + i * 1000 + kHour - 500});
    wire.pairs.b_to_a.push_back({kBoot + i * 1000, kBoot + i * 1000 + kHour + 500});
  }
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.quality, kAbsent);
  EXPECT_GT(alignment.contradicting, 0u);
  EXPECT_EQ(alignment_quality_text(alignment), "absent: the packets contradict one another");
}

TEST(ClockAlignment, equal_times_are_no_contradiction) {
  Wire wire;
  for (int i = 0; i < 5; i++) {
    wire.there(kBoot, 0);
    wire.back(kBoot, 0);
  }
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.quality, kAccurate);
  EXPECT_EQ(alignment.map.offset_ns, 0);
  EXPECT_LE(alignment.accuracy_ns(), 2u);
}

TEST(ClockAlignment, wild_times_are_left_out_and_counted) {
  Wire wire{.offset_ns = kHour};
  for (uint64_t i = 0; i < 9; i++) {
    wire.there(kBoot + i * kSecond, 100);
    wire.back(kBoot + i * kSecond, 100);
  }
  for (const auto& wild :
       {ClockPair{0, UINT64_MAX}, ClockPair{UINT64_MAX, 0}, ClockPair{UINT64_MAX, UINT64_MAX}}) {
    wire.pairs.a_to_b.push_back(wild);
    wire.pairs.b_to_a.push_back(wild);
  }
  const auto alignment = align_clocks(wire.pairs, {});
  EXPECT_EQ(alignment.impossible, 6u);
  EXPECT_EQ(alignment.map.to_b(kBoot), kBoot + kHour);
  EXPECT_LE(alignment.accuracy_ns(), 102u);
}

TEST(ClockAlignment, hostile_pairs_end) {
  ClockPairs pairs;
  uint64_t random = 1;
  const auto next = [&] { return random = random * 6364136223846793005 + 1442695040888963407; };
  for (int i = 0; i < 300'000; i++) {
    pairs.a_to_b.push_back({next(), next()});
    pairs.b_to_a.push_back({kBoot + (next() >> 40), kBoot + (next() >> 40)});
    const auto x = static_cast<uint64_t>(i);
    pairs.a_to_b.push_back({kBoot + x, kBoot + x * x / 1000});  // every one a corner
  }
  const auto begin = std::chrono::steady_clock::now();
  align_clocks(pairs, {0, UINT64_MAX});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(30));
}

TEST(ClockMap, goes_there_and_back_and_over_a_third_clock) {
  const ClockMap ab{.base_ns = kBoot, .offset_ns = -7 * kHour, .drift = 80e-6};
  const ClockMap bc{.base_ns = kBoot - 8 * kHour, .offset_ns = 3 * kHour, .drift = -30e-6};
  for (const uint64_t a_ns : {kBoot, kBoot + 12'345'678'901, kBoot - 9'876'543'210}) {
    EXPECT_NEAR(
        nanoseconds(static_cast<int64_t>(ab.to_a(ab.to_b(a_ns))), static_cast<int64_t>(a_ns)), 0,
        1);
    EXPECT_NEAR(nanoseconds(static_cast<int64_t>(ab.inverse().to_b(ab.to_b(a_ns))),
                            static_cast<int64_t>(a_ns)),
                0, 1);
    EXPECT_NEAR(nanoseconds(static_cast<int64_t>(ab.then(bc).to_b(a_ns)),
                            static_cast<int64_t>(bc.to_b(ab.to_b(a_ns)))),
                0, 1);
  }
  EXPECT_EQ(ClockMap({.base_ns = 0, .offset_ns = -5, .drift = 0}).to_b(3), 0u);
}

}  // namespace vmflow::test
