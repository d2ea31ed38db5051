// SPDX-License-Identifier: GPL-2.0-only
// The sum of a VM's vCPUs that run and that are ready, stepped as the kernel does.
#include "bpf/vm_skew.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "analysis/vm_skew_time.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kTaken = 100'000'000'000;  // the host has been up for 100 s
constexpr auto kNone = FLOW_PART_NONE, kOnCpu = FLOW_PART_ON_CPU, kReady = FLOW_PART_READY;

struct Vm {
  vm_skew record{};
  std::array<__u64, 3> part{};
  Vm() { record.taken_ns = kTaken; }
  Vm& move(size_t vcpu, uint64_t to, uint64_t at_ns) {
    flow_move_part(&record, &part[vcpu], to, kTaken + at_ns);
    return *this;
  }
  uint64_t skew(uint64_t now_ns) const { return skew_ns(record, kTaken + now_ns); }
};

}  // namespace

TEST(VmSkew, is_time_in_which_one_runs_and_another_is_ready) {
  //     0 first runs   100 second woken   250 second runs too   400 first preempted   700 first
  //     runs
  Vm vm;
  vm.move(0, kOnCpu, 0).move(1, kReady, 100).move(1, kOnCpu, 250).move(0, kReady, 400);
  EXPECT_EQ(vm.skew(600), 150u + 200) << "open";
  vm.move(0, kOnCpu, 700);
  EXPECT_EQ(vm.skew(1000), 150u + 300);
}

TEST(VmSkew, is_nothing_while_all_run_all_wait_or_all_sleep) {
  Vm vm;
  vm.move(0, kOnCpu, 0).move(1, kOnCpu, 0).move(0, kNone, 100).move(1, kNone, 200);
  vm.move(0, kReady, 300).move(1, kReady, 400);
  EXPECT_EQ(vm.skew(900), 0u);
}

TEST(VmSkew, goes_on_when_two_take_turns_on_one_cpu) {
  Vm vm;
  vm.move(0, kOnCpu, 0).move(1, kReady, 0);
  for (uint64_t at = 100; at < 1000; at += 200) {
    vm.move(0, kReady, at).move(1, kOnCpu, at);
    vm.move(1, kReady, at + 100).move(0, kOnCpu, at + 100);
  }
  EXPECT_EQ(vm.skew(1000), 1000u);
}

TEST(VmSkew, counts_a_vcpu_once_whatever_events_are_lost_or_doubled) {
  Vm vm;
  vm.move(0, kOnCpu, 0);
  // Its switch-out is lost twice: it is woken, and runs, as far as anybody knows twice at once.
  vm.move(0, kOnCpu, 100).move(0, kReady, 200).move(0, kReady, 250).move(0, kOnCpu, 300);
  EXPECT_EQ(vm.record.parts, FLOW_PART_ON_CPU);
  vm.move(0, kNone, 400);
  EXPECT_EQ(vm.record.parts, 0u);
  EXPECT_EQ(vm.skew(500), 0u);
}

TEST(VmSkew, loses_a_vcpu_that_dies_while_it_is_ready) {
  Vm vm;
  vm.move(0, kOnCpu, 0).move(1, kReady, 100).move(1, kNone, 300);
  EXPECT_EQ(vm.skew(900), 200u);
}

TEST(VmSkew, is_read_right_whichever_half_of_a_step_is_there) {
  vm_skew record{};
  record.taken_ns = kTaken;
  record.skew_ns = 5000;
  EXPECT_EQ(skew_ns(record, kTaken + 9000), 5000u);
  record.skew_ns -= static_cast<__s64>(kTaken + 8000);  // a beginning
  EXPECT_EQ(skew_ns(record, kTaken + 9000), 6000u);
  EXPECT_EQ(skew_ns(record, kTaken + 7900), 4900u) << "younger than the look; the caller holds it";
  record.skew_ns = 5000 + static_cast<__s64>(kTaken + 8000);  // an end before its beginning
  EXPECT_EQ(skew_ns(record, kTaken + 9000), 4000u);
  record.skew_ns = -100;  // the two were taken in another order than their times
  EXPECT_EQ(skew_ns(record, kTaken + 9000), 0u);
}

namespace {

constexpr int kSteps = 200'000;

/// Random steps of all vCPUs at once, each by a thread of its own; `tick` tells the time of one and
/// makes it. They begin together: on a busy machine one would else be done before the next is
/// there.
template <typename Tick>
void live(Vm& vm, Tick tick) {
  std::latch begin(static_cast<std::ptrdiff_t>(vm.part.size()));
  std::vector<std::jthread> threads;
  for (size_t vcpu = 0; vcpu < vm.part.size(); vcpu++)
    threads.emplace_back([&vm, &tick, &begin, vcpu] {
      begin.arrive_and_wait();
      std::mt19937 random(static_cast<uint32_t>(vcpu));
      for (int i = 0; i < kSteps; i++) tick(vcpu, std::array{kNone, kOnCpu, kReady}[random() % 3]);
      tick(vcpu, kNone);
    });
}

}  // namespace

// Steps come in the order of their times, whoever makes them.
TEST(VmSkew, of_many_steps_is_the_sum_of_the_times_in_between) {
  Vm vm;
  std::mutex order;
  uint64_t clock = 0;
  live(vm, [&](size_t vcpu, uint64_t to) {
    const std::lock_guard lock(order);
    vm.move(vcpu, to, ++clock);
  });
  EXPECT_EQ(vm.record.parts, 0u);
  EXPECT_LT(vm.record.skew_ns, static_cast<__s64>(clock));
  EXPECT_GT(vm.record.skew_ns, 0) << "no end and no beginning is left over";
}

// A thread that is held up between its look at the clock and its step comes late: the sum may be
// off by as much, to either side. An end or a beginning that is left over would be a whole moment.
TEST(VmSkew, of_many_steps_at_once_leaves_nothing_over) {
  Vm vm;
  std::atomic<uint64_t> clock = 0;
  live(vm, [&](size_t vcpu, uint64_t to) { vm.move(vcpu, to, ++clock); });
  static_assert(kTaken > 3 * (kSteps + 1));
  EXPECT_EQ(vm.record.parts, 0u);
  EXPECT_LT(std::abs(vm.record.skew_ns), static_cast<__s64>(clock.load()));
  const auto before = vm.record.skew_ns;
  const auto now = clock.load();
  vm.move(0, kOnCpu, now + 10).move(1, kReady, now + 20).move(1, kNone, now + 50);
  vm.move(0, kNone, now + 60);
  EXPECT_EQ(vm.record.skew_ns, before + 30);
}

// Every order of the same steps, of which each is whole, gives the same sum.
TEST(VmSkew, by_drawn_lives_equals_a_count_of_moments) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; round++) {
    Vm vm;
    std::array<uint64_t, 3> now{};
    uint64_t at = 0, expected = 0;
    for (int i = 0; i < 100; i++) {
      const uint64_t step = 1 + random() % 50;
      const bool runs = std::ranges::count(now, kOnCpu) != 0;
      const bool waits = std::ranges::count(now, kReady) != 0;
      if (runs && waits) expected += step;
      at += step;
      const auto vcpu = random() % 3;
      vm.move(vcpu, now[vcpu] = std::array{kNone, kOnCpu, kReady}[random() % 3], at);
    }
    EXPECT_EQ(vm.skew(at), expected) << "round " << round;
  }
}

}  // namespace vmflow::test
