// SPDX-License-Identifier: GPL-2.0-only
// Whatever the packets took, the true clock is never further away than is stated.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "analysis/clock_alignment.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kBegin = 1'700'000'000'000'000'000;

struct Truth {
  int64_t offset_ns;
  long double drift;
  /// Not rounded.
  long double ahead(long double since) const {
    return static_cast<long double>(offset_ns) + drift * since;
  }
  /// What clock B shows; a clock shows whole nanoseconds that are over.
  uint64_t shown(long double since) const {
    return static_cast<uint64_t>(static_cast<__int128>(kBegin) +
                                 static_cast<__int128>(std::floor(since + ahead(since))));
  }
};

class Case {
 public:
  explicit Case(uint64_t seed) : random_(seed) {
    truth_ = {static_cast<int64_t>(uniform(-1e15, 1e15)), uniform(-400e-6, 400e-6)};
    length_ = std::pow(10.0, uniform(3, 11.5));
    slowest_ = std::pow(10.0, uniform(0, 6));
    const auto there = static_cast<int>(std::pow(10.0, uniform(0, 2.7)));
    const auto back = static_cast<int>(std::pow(10.0, uniform(0, 2.7)));
    for (int i = 0; i < there; i++) {
      const auto sent = std::floor(uniform(0, length_));
      pairs_.a_to_b.push_back({kBegin + static_cast<uint64_t>(sent), truth_.shown(sent + took())});
    }
    for (int i = 0; i < back; i++) {
      const auto sent = uniform(0, length_);
      pairs_.b_to_a.push_back(
          {kBegin + static_cast<uint64_t>(std::floor(sent + took())), truth_.shown(sent)});
    }
  }

  void check(uint64_t seed) {
    const auto end = kBegin + static_cast<uint64_t>(length_);
    const auto alignment = align_clocks(pairs_, {kBegin, end});
    ASSERT_EQ(alignment.quality, AlignmentQuality::kAccurate) << seed;
    EXPECT_EQ(alignment.contradicting, 0u) << seed;
    EXPECT_LE(std::fabs(static_cast<double>(alignment.map.drift - truth_.drift)),
              alignment.drift_accuracy * 1.000001 + 1e-15)
        << seed;
    for (int i = 0; i <= 20; i++) {
      const auto since = std::floor(length_ * i / 20);
      const auto a_ns = kBegin + static_cast<uint64_t>(since);
      const auto told = static_cast<long double>(static_cast<__int128>(alignment.map.to_b(a_ns)) -
                                                 static_cast<__int128>(a_ns));
      const auto part = static_cast<long double>(a_ns - alignment.span.begin_ns) /
                        static_cast<long double>(alignment.span.end_ns - alignment.span.begin_ns);
      const auto bound = static_cast<long double>(alignment.accuracy_begin_ns) * (1 - part) +
                         static_cast<long double>(alignment.accuracy_end_ns) * part;
      // The map's own rounding to whole nanoseconds.
      EXPECT_LE(std::fabs(told - truth_.ahead(since)), bound + 1) << seed << " at " << since;
    }
  }

 private:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  double took() { return uniform(0, 1) < 0.2 ? 0 : uniform(0, slowest_); }

  std::mt19937_64 random_;
  Truth truth_{};
  double length_ = 0, slowest_ = 0;
  ClockPairs pairs_;
};

}  // namespace

TEST(ClockProperty, the_true_line_lies_within_the_stated_accuracy_at_every_time) {
  for (uint64_t seed = 1; seed <= 2000; seed++) Case(seed).check(seed);
}

}  // namespace vmflow::test
