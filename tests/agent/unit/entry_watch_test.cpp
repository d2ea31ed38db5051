// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/entry_watch.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr uint64_t kMs = 1'000'000, kSecond = 1000 * kMs;

// is_missing(entries and exits, CPU time in KVM_RUN, returns of vCPUs never entered)

TEST(EntryWatch, a_host_without_vms_misses_nothing) {
  EntryWatch watch;
  for (int look = 0; look < 10; look++) EXPECT_FALSE(watch.is_missing(0, 0, 0));
}

TEST(EntryWatch, a_second_in_kvm_run_without_an_entry_is_missing_entries) {
  EntryWatch watch;
  EXPECT_FALSE(watch.is_missing(0, 5000 * kMs, 0));  // from before the agent: says nothing
  EXPECT_FALSE(watch.is_missing(0, 5400 * kMs, 0));
  EXPECT_FALSE(watch.is_missing(0, 5999 * kMs, 0));
  EXPECT_TRUE(watch.is_missing(0, 6000 * kMs, 0));
  EXPECT_TRUE(watch.is_missing(0, 6000 * kMs, 0));
}

TEST(EntryWatch, one_entry_ends_the_doubt) {
  EntryWatch watch;
  watch.is_missing(0, 0, 0);
  EXPECT_TRUE(watch.is_missing(0, 2 * kSecond, 0));
  EXPECT_FALSE(watch.is_missing(1, 2 * kSecond, 0));
  EXPECT_FALSE(watch.is_missing(1, 9 * kSecond, 1000));
}

TEST(EntryWatch, a_hundred_returns_without_an_entry_are_missing_entries) {
  EntryWatch watch;
  EXPECT_FALSE(watch.is_missing(0, 0, 99));
  EXPECT_TRUE(watch.is_missing(0, 0, 100));
}

// Threads leave KVM_RUN and come back: the sum over those inside may fall.
TEST(EntryWatch, only_growth_counts) {
  EntryWatch watch;
  EXPECT_FALSE(watch.is_missing(0, 10 * kSecond, 0));
  EXPECT_FALSE(watch.is_missing(0, 0, 0));
  EXPECT_FALSE(watch.is_missing(0, 500 * kMs, 0));
  EXPECT_FALSE(watch.is_missing(0, 100 * kMs, 0));
  EXPECT_FALSE(watch.is_missing(0, 599 * kMs, 0));
  EXPECT_TRUE(watch.is_missing(0, 600 * kMs, 0));
}

}  // namespace
}  // namespace vmflow::test
