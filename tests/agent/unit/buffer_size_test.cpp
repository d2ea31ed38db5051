// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/buffer_size.h"

#include <gtest/gtest.h>

namespace vmflow::test {

constexpr uint64_t kMiB = 1 << 20;

TEST(BufferSize, is_the_next_power_of_two_in_sixteen_parts) {
  EXPECT_EQ(buffers_for(4 * kMiB, 64 * kMiB), (BufferSize{256 << 10, 16}));
  EXPECT_EQ(buffers_for(4 * kMiB + 1, 64 * kMiB), (BufferSize{512 << 10, 16}));
  EXPECT_EQ(buffers_for(0, 64 * kMiB), (BufferSize{16 << 10, 16}));
}

TEST(BufferSize, stays_within_its_limit) {
  EXPECT_EQ(buffers_for(64 * kMiB, 8 * kMiB), (BufferSize{512 << 10, 16}));
  EXPECT_EQ(buffers_for(64 * kMiB, 15 * kMiB), (BufferSize{512 << 10, 16}));
  EXPECT_EQ(buffers_for(~uint64_t{0} - 15, kMiB).bytes(), kMiB);
  // The least that LTTng can use is more than a limit of nothing.
  EXPECT_EQ(buffers_for(kMiB, 0), (BufferSize{16 << 10, 16}));
}

TEST(BufferSize, spans_what_all_sub_buffers_but_the_one_being_filled_hold) {
  EXPECT_DOUBLE_EQ(span_seconds({kMiB, 16}, 1.0 * kMiB), 15);
  EXPECT_DOUBLE_EQ(span_seconds({kMiB, 16}, 3.0 * kMiB), 5);
  EXPECT_DOUBLE_EQ(span_seconds({kMiB, 1}, 1.0 * kMiB), 0);
  EXPECT_DOUBLE_EQ(span_seconds({kMiB, 16}, 0), 86400);
}

TEST(BufferSize, for_a_span_holds_it_with_a_third_to_spare) {
  for (const double rate : {1e3, 5e5, 3e7}) {
    const auto size = buffers_for(bytes_for_span(rate, 15), uint64_t{1} << 40);
    EXPECT_GE(span_seconds(size, rate), 20 * 0.999) << rate;
  }
  EXPECT_EQ(bytes_for_span(1e300, 15), uint64_t{1} << 40);
}

}  // namespace vmflow::test
