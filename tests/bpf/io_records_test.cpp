// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side steps for disks, taps and the time that something is in flight. Units:
// nanoseconds.
#include "bpf/io_records.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace vmflow::test {
namespace {

/// A disk and two VMs on it.
class Disk : public testing::Test {
 protected:
  void begin(int vm, uint64_t at_ns) { add(vm, at_ns, disk_begin); }
  void end(int vm, uint64_t at_ns) { add(vm, at_ns, disk_end); }

  disk_device disk_{};
  vm_disk vms_[2]{};
  uint64_t contended_[2]{}, waited_[2]{};

 private:
  void add(int vm, uint64_t at_ns, decltype(disk_begin)* step) {
    disk_growth growth{};
    step(&disk_, &vms_[vm], at_ns, &growth);
    contended_[vm] += growth.contended_ns;
    waited_[vm] += growth.waited_ns;
  }
};

}  // namespace

// A serial disk, 10 a request: whoever is not served waits.
//   first   [0 10][10 .. 30][30 .. 50]
//   second   [1 .. 20][20 .. 40]
TEST_F(Disk, of_two_vms_serves_one_while_the_other_waits) {
  begin(0, 0), begin(1, 1), end(0, 10);
  begin(0, 10), end(1, 20);
  begin(1, 20), end(0, 30);
  begin(0, 30), end(1, 40);
  end(0, 50);
  EXPECT_EQ(waited_[0], 0u + 10 + 10);
  EXPECT_EQ(waited_[1], 9u + 10);
  EXPECT_EQ(contended_[0], 39u);
  EXPECT_EQ(contended_[1], 39u);
}

TEST_F(Disk, of_one_vm_makes_nobody_wait) {
  begin(0, 0), begin(0, 0), end(0, 10), end(0, 20);
  begin(0, 90), end(0, 100);
  begin(1, 200), end(1, 210);
  EXPECT_EQ(waited_[0] + waited_[1] + contended_[0] + contended_[1], 0u);
  EXPECT_EQ(disk_.vms, 0u);
}

// Three of the second VM wait for the first one's: three times its time, and none for each other.
TEST_F(Disk, counts_the_wait_of_every_request) {
  begin(0, 0), begin(1, 4), begin(1, 4), begin(1, 6), end(0, 10);
  end(1, 20), end(1, 30), end(1, 40);
  EXPECT_EQ(waited_[1], 6u + 6 + 4);
  EXPECT_EQ(contended_[0], 6u);
  EXPECT_EQ(contended_[1], 6u);
}

TEST_F(Disk, that_is_told_late_by_one_cpu_does_not_go_back) {
  begin(0, 100), begin(1, 90), end(0, 110), end(1, 105);
  EXPECT_EQ(waited_[1], 10u);
  EXPECT_EQ(contended_[1], 10u);
}

TEST_F(Disk, whose_beginning_was_missed_ends_nothing) {
  end(0, 10);
  EXPECT_EQ(disk_.vms, 0u);
  EXPECT_EQ(disk_.completions, 0u);
}

TEST(TapQueue, adds_up_what_every_packet_waits) {
  tap_queue tap{};
  EXPECT_TRUE(tap_put(&tap, 10, 1));
  EXPECT_FALSE(tap_put(&tap, 20, 2));
  EXPECT_FALSE(tap_take(&tap, 50, 1));
  EXPECT_TRUE(tap_take(&tap, 60, 2));
  EXPECT_EQ(tap.waited_ns, 40u + 40);
}

TEST(TapQueue, is_empty_after_its_newest_packet_whatever_was_lost) {
  tap_queue tap{};
  tap_put(&tap, 10, 1);
  tap_put(&tap, 10, 2);
  tap_put(&tap, 10, 3);
  EXPECT_TRUE(tap_take(&tap, 20, 3));
  EXPECT_EQ(tap.waiting, 0u);
}

TEST(TapQueue, does_not_count_what_was_there_before_it_was_known) {
  tap_queue tap{};
  EXPECT_FALSE(tap_take(&tap, 20, 7));
  EXPECT_EQ(tap.waiting, 0u);
}

TEST(BusyClock, runs_while_there_is_a_user) {
  busy_clock clock{};
  busy_begin(&clock, 100);
  busy_begin(&clock, 150);
  busy_end(&clock, 160);
  EXPECT_EQ(busy_between(busy_read(&clock, 120), busy_read(&clock, 180)), 60u);
  busy_end(&clock, 200);
  EXPECT_EQ(busy_read(&clock, 300), 100u);
  EXPECT_EQ(busy_between(busy_read(&clock, 300), busy_read(&clock, 900)), 0u);
}

// The next user comes before the last one has noted that it went.
TEST(BusyClock, is_right_in_whatever_order_it_is_told) {
  busy_clock clock{};
  busy_begin(&clock, 100);
  clock.users--;            // the last user leaves at 200, and is held up
  busy_begin(&clock, 210);  // another comes
  EXPECT_EQ(busy_read(&clock, 210), 110u) << "as if both were there";
  clock.word += (200ull << 8) - 1;
  EXPECT_EQ(busy_read(&clock, 220), 110u);
  busy_end(&clock, 230);
  EXPECT_EQ(busy_read(&clock, 1000), 120u);
}

TEST(BusyClock, survives_a_host_that_is_up_for_years) {
  constexpr uint64_t kThreeYears = 3ull * 365 * 24 * 3600 * 1'000'000'000;
  busy_clock clock{};
  busy_begin(&clock, kThreeYears);
  EXPECT_EQ(busy_between(busy_read(&clock, kThreeYears), busy_read(&clock, kThreeYears + 70)), 70u);
}

TEST(BusyClock, that_is_read_out_of_order_has_not_run) {
  EXPECT_EQ(busy_between(100, 90), 0u);
}

TEST(BusyClock, of_many_threads_ends_with_the_sum) {
  busy_clock clock{};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; thread++)
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; i++) {
        busy_begin(&clock, 1000);
        busy_end(&clock, 1000);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(clock.users, 0);
  EXPECT_EQ(clock.word, 0u);
}

TEST(DiskClaims, each_of_several_completions_may_be_told_by_an_interrupt_of_its_own) {
  disk_claims claims{};
  EXPECT_EQ(disk_claim(&claims, 100), 0u) << "nothing is completed";
  claims.completions = 2;
  EXPECT_EQ(disk_claim(&claims, 1'000'000), 1u);
  EXPECT_EQ(disk_claim(&claims, 1'000'100), 1u) << "the other queue";
  EXPECT_EQ(disk_claim(&claims, 1'000'200), 0u) << "a device of another kind";
}

TEST(DiskClaims, of_completions_told_by_one_interrupt_nothing_is_left_for_long) {
  disk_claims claims{};
  claims.completions = 8;
  EXPECT_EQ(disk_claim(&claims, 1'000'000), 1u);
  EXPECT_EQ(disk_claim(&claims, 1'000'000 + FLOW_CLAIM_NS), 0u);
  claims.completions = 9;
  EXPECT_EQ(disk_claim(&claims, 90'000'000'000), 1u) << "a completion itself is never too old";
  EXPECT_EQ(disk_claim(&claims, 90'000'000'001), 0u);
}

}  // namespace vmflow::test
