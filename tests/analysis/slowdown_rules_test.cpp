// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_rules.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string_view>

#include "analysis/flow_model.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kMs = 1'000'000;

/// A second of one vCPU; what is given is not in the guest. Units: milliseconds.
struct Drawn {
  uint64_t kvm = 0, vmm = 0, halted = 0, ready = 0, throttled = 0, vmm_blocked = 0, paused = 0;
};

SlowdownPoint second(const Drawn& drawn) {
  SlowdownPoint point;
  auto& ns = point.state_ns;
  ns[FLOW_KVM] = drawn.kvm * kMs;
  ns[FLOW_VMM] = drawn.vmm * kMs;
  ns[FLOW_HALTED] = drawn.halted * kMs;
  ns[FLOW_READY] = drawn.ready * kMs;
  ns[FLOW_THROTTLED] = drawn.throttled * kMs;
  ns[FLOW_VMM_BLOCKED] = drawn.vmm_blocked * kMs;
  ns[FLOW_PAUSED] = drawn.paused * kMs;
  ns[FLOW_GUEST] = 1000 * kMs - std::accumulate(ns.begin(), ns.end(), uint64_t{0});
  const uint64_t on_cpu_ns = ns[FLOW_GUEST] + ns[FLOW_KVM] + ns[FLOW_VMM];
  point.vcpus = {
      {0, on_cpu_ns, ns[FLOW_VMM], on_cpu_ns + ns[FLOW_READY] + ns[FLOW_THROTTLED], 1000 * kMs}};
  return point;
}

using Expected = std::map<SlowdownKind, uint64_t>;

/// Exactly these, in milliseconds.
void expect(const SlowdownSums& sums, const Expected& expected) {
  for (const auto& rule : slowdown_rules()) {
    const auto wanted = expected.find(rule.kind);
    EXPECT_EQ(sums[static_cast<uint32_t>(rule.kind)],
              wanted == expected.end() ? 0 : wanted->second * kMs)
        << rule.name;
  }
}

constexpr GuestContention kAlone{.behind_share = 0};

}  // namespace

TEST(SlowdownRules, have_a_row_for_each_kind_in_its_place_with_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < kSlowdownKinds; i++) {
    EXPECT_EQ(static_cast<uint32_t>(slowdown_rules()[i].kind), i);
    EXPECT_NE(slowdown_rules()[i].cause, Cause::kNothing);
    EXPECT_FALSE(slowdown_rules()[i].text.empty());
    names.insert(slowdown_rules()[i].name);
  }
  EXPECT_EQ(names.size(), kSlowdownKinds);
}

TEST(SlowdownRules, an_idle_vm_has_nothing) {
  expect(slowdown_of(second({.halted = 950}), kAlone), {});
}

TEST(SlowdownRules, a_cpu_that_somebody_had_counts_for_who_had_it) {
  const std::map<flow_culprit, SlowdownKind> of{
      {FLOW_CULPRIT_OTHER_VM, SlowdownKind::kCpuOtherVm},
      {FLOW_CULPRIT_HOST_TASK, SlowdownKind::kCpuHostTask},
      {FLOW_CULPRIT_KERNEL_THREAD, SlowdownKind::kCpuKernelThread},
      {FLOW_CULPRIT_IRQ, SlowdownKind::kCpuInterrupts},
      {FLOW_CULPRIT_NONE, SlowdownKind::kCpuIdle},
      {FLOW_CULPRIT_UNKNOWN, SlowdownKind::kCpuUnknown}};
  for (const auto& [culprit, kind] : of) {
    auto point = second({.ready = 400});
    point.culprit_ns[culprit] = 400 * kMs;
    // What is left of the time that it wanted is work, not a slowdown.
    expect(slowdown_of(point, kAlone), {{kind, 400}});
  }
}

TEST(SlowdownRules, the_cpu_that_its_own_threads_had_is_its_own_load) {
  auto point = second({.ready = 400});
  point.culprit_ns[FLOW_CULPRIT_OWN_VM] = 400 * kMs;
  expect(slowdown_of(point, kAlone),
         {{SlowdownKind::kOwnThreads, 400}, {SlowdownKind::kOwnWork, 600}});
  expect(slowdown_of(point, std::nullopt), {{SlowdownKind::kUntold, 1000}});
}

TEST(SlowdownRules, work_without_end_is_its_own_load_if_its_processes_are_told) {
  const auto point = second({.kvm = 100, .halted = 40});
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kOwnWork, 960}});
  expect(slowdown_of(point, std::nullopt), {{SlowdownKind::kUntold, 960}});
}

TEST(SlowdownRules, an_exit_storm_is_its_own_load_whatever_its_processes_do) {
  auto point = second({.kvm = 400});
  point.exits = {{"cpuid", 9000, 400 * kMs}, {"msr", 20, kMs}};
  expect(slowdown_of(point, std::nullopt),
         {{SlowdownKind::kExitStorm, 400}, {SlowdownKind::kUntold, 600}});
  expect(slowdown_of(point, kAlone),
         {{SlowdownKind::kExitStorm, 400}, {SlowdownKind::kOwnWork, 600}});
  ASSERT_TRUE(exit_storm(point));
  EXPECT_EQ(exit_storm(point)->reason, "cpuid");
  EXPECT_EQ(exit_storm(point)->count, 9000u);
}

TEST(SlowdownRules, an_exit_storm_needs_neither_a_busy_vcpu_nor_one_that_nobody_disturbs) {
  auto point = second({.kvm = 300, .halted = 100, .ready = 260});
  point.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 260 * kMs;
  point.exits = {{"cpuid", 9000, 300 * kMs}};
  expect(slowdown_of(point, kAlone),
         {{SlowdownKind::kExitStorm, 300}, {SlowdownKind::kCpuOtherVm, 260}});
}

TEST(SlowdownRules, exits_are_a_storm_if_they_are_many_and_take_much_in_kvm) {
  const auto storm = [](const Drawn& drawn, uint64_t count, uint64_t ms) {
    auto point = second(drawn);
    point.exits = {{"cpuid", count, ms * kMs}};
    return exit_storm(point).has_value();
  };
  EXPECT_TRUE(storm({.kvm = 300}, 9000, 300));
  EXPECT_FALSE(storm({.kvm = 300}, 9000, 299)) << "less than three tenths";
  EXPECT_FALSE(storm({.kvm = 300}, 30, 300)) << "they are slow, not many";
  EXPECT_TRUE(storm({.kvm = 50, .halted = 900}, 9000, 50));
  EXPECT_FALSE(storm({.kvm = 49, .halted = 910}, 9000, 49)) << "a VM that sleeps has always some";
  EXPECT_FALSE(storm({.vmm = 600}, 9000, 600)) << "its VMM emulates them";
}

TEST(SlowdownRules, exits_that_an_interrupt_may_have_made_are_not_the_vms) {
  VmFlow vm;
  vm.exits = {{"intr", 9000, 400 * kMs, true}, {"cpuid", 10, kMs}};
  ASSERT_EQ(slowdown_point(vm).exits.size(), 1u);
  EXPECT_EQ(slowdown_point(vm).exits[0].reason, "cpuid");
}

TEST(SlowdownRules, a_disk_of_whose_requests_nothing_is_told_is_nobodys_known_fault) {
  VmFlow vm;
  vm.time.state_ns[FLOW_HALTED] = 900 * kMs;
  vm.wait_ns[static_cast<size_t>(WaitReason::kDisk)] = 300 * kMs;
  expect(slowdown_of(slowdown_point(vm), kAlone), {{SlowdownKind::kDiskUntold, 300}});
  vm.disk_pending_ns = 500 * kMs;  // of these its timer has ended 200
  vm.net_pending_ns = 600 * kMs;
  expect(slowdown_of(slowdown_point(vm), kAlone),
         {{SlowdownKind::kDiskUntold, 500}, {SlowdownKind::kNetBackend, 400}});
  vm.disk = DiskFlow{};
  vm.net = NetFlow{};
  expect(slowdown_of(slowdown_point(vm), kAlone), {});
}

TEST(SlowdownRules, of_time_that_is_over_open_waits_are_unknown) {
  auto point = second({.halted = 200, .ready = 300, .vmm_blocked = 100});
  point.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 200 * kMs;
  point.block_ns[FLOW_BLOCK_IO] = 40 * kMs;
  point.disk_halted_ns = 350 * kMs;
  expect(slowdown_of(closed(point), kAlone), {{SlowdownKind::kCpuOtherVm, 200},
                                              {SlowdownKind::kCpuUnknown, 100},
                                              {SlowdownKind::kVmmIo, 40},
                                              {SlowdownKind::kVmmOther, 60},
                                              {SlowdownKind::kDiskSlow, 200}});
}

TEST(SlowdownRules, work_with_pauses_is_nothing) {
  expect(slowdown_of(second({.halted = 150}), kAlone), {});
}

TEST(SlowdownRules, a_few_percent_that_others_take_leave_it_its_own_load) {
  auto point = second({.ready = 100});
  point.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 100 * kMs;
  expect(slowdown_of(point, kAlone),
         {{SlowdownKind::kCpuOtherVm, 100}, {SlowdownKind::kOwnWork, 900}});
}

TEST(SlowdownRules, processes_that_wait_for_one_another_are_contention_inside) {
  expect(slowdown_of(second({}), GuestContention{.behind_share = 0.75}),
         {{SlowdownKind::kProcesses, 750}, {SlowdownKind::kOwnWork, 250}});
}

TEST(SlowdownRules, what_the_host_keeps_from_it_is_the_platform) {
  expect(slowdown_of(second({.throttled = 500}), kAlone), {{SlowdownKind::kQuota, 500}});
  expect(slowdown_of(second({.paused = 700}), kAlone), {{SlowdownKind::kPaused, 700}});
  auto point = second({.vmm_blocked = 200});
  point.block_ns = {80 * kMs, 60 * kMs, 40 * kMs, 20 * kMs};
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kMemory, 80},
                                      {SlowdownKind::kVmmIo, 60},
                                      {SlowdownKind::kVmmLock, 40},
                                      {SlowdownKind::kVmmOther, 20}});
}

TEST(SlowdownRules, emulation_and_hypervisors_of_nested_guests_are_no_work) {
  auto point = second({.vmm = 300});
  point.nested_ns = 200 * kMs;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kEmulation, 300},
                                      {SlowdownKind::kNestedHypervisors, 200},
                                      {SlowdownKind::kOwnWork, 500}});
}

TEST(SlowdownRules, a_disk_that_served_others_is_the_co_located_vm) {
  auto point = second({.halted = 900});
  point.disk_halted_ns = 880 * kMs;
  point.disk_waited_ns = 440 * kMs;
  point.disk_operations = 22;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kDiskOtherVm, 440}});
}

TEST(SlowdownRules, a_disk_that_io_max_holds_is_the_platform) {
  auto point = second({.halted = 900});
  point.disk_halted_ns = 880 * kMs;
  point.disk_held_ns = 700 * kMs;
  point.disk_operations = 9;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kDiskHeld, 700}});
}

TEST(SlowdownRules, a_disk_is_slow_by_what_one_request_takes) {
  auto point = second({.halted = 900});
  point.disk_halted_ns = 880 * kMs;
  point.disk_operations = 20;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kDiskSlow, 880}});
  point.disk_operations = 400;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kOwnDisk, 880}});
  expect(slowdown_of(point, std::nullopt), {{SlowdownKind::kUntold, 880}});
}

TEST(SlowdownRules, packets_that_nobody_fetches_are_the_platform) {
  auto point = second({.halted = 900});
  point.net_halted_ns = 300 * kMs;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kNetBackend, 300}});
}

TEST(SlowdownRules, of_time_that_is_not_accounted_for_nothing_is_known) {
  auto point = second({.halted = 900});
  point.unaccounted_ns = 300 * kMs;
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kUnaccounted, 300}});
}

// One busy vCPU of four is limited by its work, the others are not.
TEST(SlowdownRules, look_at_each_vcpu) {
  auto point = second({});
  point.state_ns[FLOW_HALTED] = 3000 * kMs;
  for (uint32_t id = 1; id < 4; id++) point.vcpus.push_back({id, 0, 0, 0, 1000 * kMs});
  expect(slowdown_of(point, kAlone), {{SlowdownKind::kOwnWork, 1000}});
}

TEST(SlowdownRules, never_take_more_time_than_there_was) {
  std::mt19937_64 random(7);
  const auto up_to = [&](uint64_t most) {
    return std::uniform_int_distribution<uint64_t>(0, most)(random);
  };
  for (int i = 0; i < 20000; i++) {
    auto point = second({.kvm = up_to(100),
                         .vmm = up_to(100),
                         .halted = up_to(300),
                         .ready = up_to(200),
                         .throttled = up_to(100),
                         .vmm_blocked = up_to(100),
                         .paused = up_to(100)});
    uint64_t ready_ns = point.state_ns[FLOW_READY];
    for (auto& ns : point.culprit_ns) ready_ns -= ns = up_to(ready_ns);
    uint64_t blocked_ns = point.state_ns[FLOW_VMM_BLOCKED];
    for (auto& ns : point.block_ns) blocked_ns -= ns = up_to(blocked_ns);
    point.disk_halted_ns = up_to(point.state_ns[FLOW_HALTED]);
    point.disk_waited_ns = up_to(2000 * kMs);
    point.disk_held_ns = up_to(2000 * kMs);
    point.disk_operations = up_to(50);
    point.net_halted_ns = up_to(point.state_ns[FLOW_HALTED]);
    point.nested_ns = up_to(2000 * kMs);
    point.disk_untold_ns = up_to(400 * kMs);
    point.exits = {{"cpuid", 10'000, up_to(300 * kMs)}};
    point.unaccounted_ns = up_to(100 * kMs);
    std::optional<GuestContention> processes;
    if (up_to(1) == 1) processes = GuestContention{static_cast<double>(up_to(12)) / 10};
    const auto sums = slowdown_of(point, processes);
    EXPECT_LE(std::accumulate(sums.begin(), sums.end(), uint64_t{0}), point.whole_ns());
    const auto causes = by_cause(sums);
    EXPECT_EQ(std::accumulate(causes.begin(), causes.end(), uint64_t{0}),
              std::accumulate(sums.begin(), sums.end(), uint64_t{0}));
    if (!processes) {
      EXPECT_EQ(causes[static_cast<uint32_t>(Cause::kOwnLoad)],
                sums[static_cast<uint32_t>(SlowdownKind::kExitStorm)]);
      EXPECT_EQ(causes[static_cast<uint32_t>(Cause::kInsideVm)], 0u);
    }
  }
}

TEST(SlowdownRules, of_two_moments_a_vcpu_that_is_new_counts_whole) {
  auto before = second({.ready = 100});
  before.exits = {{"cpuid", 10, 2 * kMs}};
  before.disk_untold_ns = 2 * kMs;
  auto now = second({.ready = 300});
  now.vcpus.push_back({7, 5 * kMs, 0, 5 * kMs, 6 * kMs});
  now.exits = {{"cpuid", 30, 7 * kMs}, {"msr", 4, kMs}};
  now.disk_untold_ns = 5 * kMs;
  const auto happened = now - before;
  EXPECT_EQ(happened.state_ns[FLOW_READY], 200 * kMs);
  EXPECT_EQ(happened.state_ns[FLOW_GUEST], 0u) << "a counter that falls adds nothing";
  ASSERT_EQ(happened.vcpus.size(), 2u);
  EXPECT_EQ(happened.vcpus[0].whole_ns, 0u);
  EXPECT_EQ(happened.vcpus[1].whole_ns, 6 * kMs);
  ASSERT_EQ(happened.exits.size(), 2u);
  EXPECT_EQ(happened.exits[0].count, 20u);
  EXPECT_EQ(happened.exits[0].ns, 5 * kMs);
  EXPECT_EQ(happened.exits[1].ns, kMs);
  EXPECT_EQ(happened.disk_untold_ns, 3 * kMs);
}

}  // namespace vmflow::test
