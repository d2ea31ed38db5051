// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_book.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;

/// One vCPU whose counters a test moves on.
class Watched {
 public:
  Watched() { look(0); }

  SlowdownFlow look(uint64_t later_ns) {
    now_ns_ += later_ns;
    point.vcpus = {{0, point.state_ns[FLOW_GUEST], 0, point.wanted_ns(), point.whole_ns()}};
    book_.take_in({.now_ns = now_ns_, .point = point, .processes = processes, .taken = taken});
    return book_.flow();
  }
  /// A second in which another VM has the CPU for `ms` of it; else halted.
  SlowdownFlow second(uint64_t ms) {
    point.state_ns[FLOW_READY] += ms * kMs;
    point.culprit_ns[FLOW_CULPRIT_OTHER_VM] += ms * kMs;
    point.state_ns[FLOW_HALTED] += (1000 - ms) * kMs;
    return look(kSecond);
  }

  SlowdownPoint point;
  std::optional<GuestContention> processes;
  std::vector<TakenTime> taken{{FLOW_CULPRIT_OTHER_VM, 9, 1}};

 private:
  uint64_t now_ns_ = 1000 * kSecond;
  SlowdownBook book_;
};

uint64_t of(const SlowdownSums& sums, SlowdownKind kind) {
  return sums[static_cast<uint32_t>(kind)];
}

}  // namespace

TEST(SlowdownBook, adds_second_after_second) {
  Watched vm;
  for (int i = 0; i < 10; i++) vm.second(400);
  EXPECT_EQ(of(vm.second(400).total_ns, SlowdownKind::kCpuOtherVm), 4400 * kMs);
}

// 0.8 s busy, 0.2 s idle: not limited by its work, whatever a short look may see.
TEST(SlowdownBook, judges_seconds_however_often_somebody_looks) {
  Watched vm;
  vm.processes = GuestContention{};
  SlowdownFlow flow;
  for (uint64_t slice = 0; slice < 200; slice++) {
    vm.point.state_ns[slice % 20 < 16 ? FLOW_GUEST : FLOW_HALTED] += 50 * kMs;
    flow = vm.look(50 * kMs);
  }
  EXPECT_EQ(by_cause(flow.total_ns), CauseSums{});
  for (uint64_t slice = 0; slice < 200; slice++) {
    vm.point.state_ns[FLOW_GUEST] += 50 * kMs;
    flow = vm.look(50 * kMs);
  }
  EXPECT_GE(of(flow.total_ns, SlowdownKind::kOwnWork), 9 * kSecond);
}

TEST(SlowdownBook, keeps_the_last_minute_apart) {
  Watched vm;
  SlowdownFlow flow;
  for (int i = 0; i < 100; i++) flow = vm.second(500);
  for (int i = 0; i < 70; i++) flow = vm.second(0);
  EXPECT_EQ(of(flow.total_ns, SlowdownKind::kCpuOtherVm), 50 * kSecond);
  EXPECT_EQ(of(flow.window.ns, SlowdownKind::kCpuOtherVm), 0u);
  const uint64_t lasted_ns = flow.window.end_ns - flow.window.begin_ns;
  EXPECT_GE(lasted_ns, kSlowdownWindowNs);
  EXPECT_LE(lasted_ns, kSlowdownWindowNs + kSlowdownMarkNs);
  EXPECT_EQ(flow.window.whole_ns, lasted_ns);
}

TEST(SlowdownBook, remembers_what_culprits_had_taken_when_the_minute_began) {
  Watched vm;
  SlowdownFlow flow;
  for (uint64_t i = 1; i <= 90; i++) {
    vm.taken = {{FLOW_CULPRIT_OTHER_VM, 9, i * kSecond}};
    flow = vm.second(0);
  }
  ASSERT_EQ(flow.window.taken_before.size(), 1u);
  EXPECT_EQ(flow.window.taken_before[0].ns, flow.window.begin_ns - 1000 * kSecond);
}

// What a request waits for others is told when it ends: three seconds, of which two for others.
TEST(SlowdownBook, judges_the_time_of_a_request_when_it_is_over) {
  Watched vm;
  SlowdownFlow flow;
  for (int i = 0; i < 3; i++) {
    vm.point.disk_halted_ns += kSecond;
    flow = vm.second(0);
  }
  EXPECT_EQ(by_cause(flow.total_ns), CauseSums{});
  vm.point.disk_operations++;
  vm.point.disk_waited_ns += 2 * kSecond;
  flow = vm.second(0);
  EXPECT_EQ(of(flow.total_ns, SlowdownKind::kDiskOtherVm), 2 * kSecond);
  EXPECT_EQ(by_cause(flow.total_ns)[static_cast<uint32_t>(Cause::kPlatform)], 0u);
}

TEST(SlowdownBook, does_not_wait_for_ever_for_the_end_of_a_request) {
  Watched vm;
  SlowdownFlow flow;
  for (int i = 0; i < 15; i++) {
    vm.point.disk_halted_ns += kSecond;
    flow = vm.second(0);
  }
  EXPECT_EQ(of(flow.total_ns, SlowdownKind::kDiskSlow), 10 * kSecond);
}

TEST(SlowdownBook, counters_that_fall_take_nothing_back) {
  Watched vm;
  for (int i = 0; i < 5; i++) vm.second(500);
  vm.point = {};
  const auto flow = vm.look(kSecond);
  EXPECT_EQ(of(flow.total_ns, SlowdownKind::kCpuOtherVm), 2500 * kMs);
  EXPECT_EQ(flow.window.whole_ns, 5 * kSecond);
}

}  // namespace vmflow::test
