// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_verdict.h"

#include <gtest/gtest.h>

#include "analysis/slowdown_rules.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMs = 1'000'000;

/// A VM with one vCPU, seen for 60 s of which it wanted a CPU for 30. Units: milliseconds.
FlowModel seen(std::initializer_list<std::pair<SlowdownKind, uint64_t>> kinds) {
  VmFlow vm;
  vm.label = "quiet";
  vm.name = "quiet-1";
  vm.slowdown.window = {.begin_ns = 100 * kSecond,
                        .end_ns = 160 * kSecond,
                        .whole_ns = 60 * kSecond,
                        .wanted_ns = 30 * kSecond,
                        .taken_before = {}};
  for (const auto& [kind, ms] : kinds)
    vm.slowdown.window.ns[static_cast<uint32_t>(kind)] = ms * kMs;
  FlowModel model;
  model.vms = {vm};
  return model;
}

SlowdownVerdict verdict(const FlowModel& model) {
  return slowdown_verdict(model.vms[0], model);
}

}  // namespace

TEST(SlowdownVerdict, says_the_cause_that_took_most_and_the_second) {
  const auto found = verdict(seen({{SlowdownKind::kCpuOtherVm, 20'000},
                                   {SlowdownKind::kQuota, 6000},
                                   {SlowdownKind::kMemory, 3000}}));
  EXPECT_EQ(found.first.cause, Cause::kOtherVm);
  EXPECT_EQ(found.first.ns, 20 * kSecond);
  EXPECT_EQ(found.second.cause, Cause::kPlatform);
  EXPECT_EQ(found.second.ns, 9 * kSecond);
  ASSERT_EQ(found.kinds.size(), 1u);
  EXPECT_EQ(found.kinds[0].kind, SlowdownKind::kCpuOtherVm);
  EXPECT_EQ(found.sentence,
            "A co-located VM slows it: 33 % of its vCPU time in the last 60.0 s (20.0 s), mostly "
            "because another VM had its CPU. Second: platform, 15 % (9.00 s).");
}

TEST(SlowdownVerdict, every_kind_can_be_the_verdict) {
  for (const auto& rule : slowdown_rules()) {
    const auto found = verdict(seen({{rule.kind, 20'000}}));
    EXPECT_EQ(found.first.cause, rule.cause) << rule.name;
    EXPECT_EQ(found.second.cause, Cause::kNothing) << rule.name;
    EXPECT_NE(found.sentence.find(rule.text), std::string::npos) << found.sentence;
  }
}

TEST(SlowdownVerdict, names_who_had_the_cpu_in_that_minute_and_not_before) {
  auto model = seen({{SlowdownKind::kCpuOtherVm, 20'000}});
  VmFlow early, late;
  early.label = early.name = "early";
  late.label = late.name = "late";
  model.vms.push_back(early);
  model.vms.push_back(late);
  model.vms[0].slowdown.window.taken_before = {{FLOW_CULPRIT_OTHER_VM, 7, 500 * kSecond},
                                               {FLOW_CULPRIT_OTHER_VM, 8, 3 * kSecond}};
  model.culprits = {{"quiet", FLOW_CULPRIT_OTHER_VM, "late", "", 8, 21 * kSecond},
                    {"quiet", FLOW_CULPRIT_OTHER_VM, "early", "", 7, 502 * kSecond},
                    {"late", FLOW_CULPRIT_OTHER_VM, "early", "", 7, 900 * kSecond}};
  const auto found = verdict(model);
  ASSERT_EQ(found.culprits.size(), 2u);
  EXPECT_EQ(found.culprits[0].vm, "late");
  EXPECT_EQ(found.culprits[0].ns, 18 * kSecond);
  EXPECT_EQ(found.culprits[1].ns, 2 * kSecond);
  EXPECT_NE(found.sentence.find("another VM had its CPU (late 90 % of that)."), std::string::npos)
      << found.sentence;
}

TEST(SlowdownVerdict, nothing_is_an_answer) {
  EXPECT_EQ(verdict(seen({{SlowdownKind::kCpuOtherVm, 3000}})).first.cause, Cause::kOtherVm);
  for (const auto& model : {seen({}), seen({{SlowdownKind::kCpuOtherVm, 500}}),
                            seen({{SlowdownKind::kCpuIdle, 2900}})}) {
    const auto found = verdict(model);
    EXPECT_EQ(found.first.cause, Cause::kNothing);
    EXPECT_EQ(found.sentence,
              "Nothing slows it: no cause took a twentieth of its time in the last 60.0 s.");
  }
}

// 2 % of its time, but two fifths of the little that it wants.
TEST(SlowdownVerdict, a_vm_that_wants_little_is_slow_if_it_does_not_get_it) {
  auto model = seen({{SlowdownKind::kCpuOtherVm, 1200}});
  model.vms[0].slowdown.window.wanted_ns = 3 * kSecond;
  EXPECT_EQ(verdict(model).first.cause, Cause::kOtherVm);
  model = seen({{SlowdownKind::kCpuIdle, 1200}});
  model.vms[0].slowdown.window.wanted_ns = 3 * kSecond;
  EXPECT_EQ(verdict(model).first.cause, Cause::kNothing) << "wake-ups are always a little late";
  model = seen({{SlowdownKind::kExitStorm, 1200}});
  model.vms[0].slowdown.window.wanted_ns = 3 * kSecond;
  EXPECT_EQ(verdict(model).first.cause, Cause::kNothing) << "a tick always has some exits";
}

TEST(SlowdownVerdict, what_is_known_goes_before_what_is_not_unless_it_is_little) {
  auto found =
      verdict(seen({{SlowdownKind::kUntold, 30'000}, {SlowdownKind::kCpuOtherVm, 10'000}}));
  EXPECT_EQ(found.first.cause, Cause::kOtherVm);
  EXPECT_EQ(found.second.cause, Cause::kUnknown);
  found = verdict(seen({{SlowdownKind::kUntold, 30'000}, {SlowdownKind::kCpuOtherVm, 5000}}));
  EXPECT_EQ(found.first.cause, Cause::kUnknown);
  EXPECT_EQ(found.second.cause, Cause::kOtherVm);
  EXPECT_EQ(found.sentence.find("Not enough evidence: 50 % of its vCPU time"), 0u)
      << found.sentence;
}

// A quarter of the unknown is less than the platform's two seconds, but these do not count.
TEST(SlowdownVerdict, what_does_not_count_comes_after_what_does) {
  const auto found =
      verdict(seen({{SlowdownKind::kCpuUnknown, 4000}, {SlowdownKind::kQuota, 2000}}));
  EXPECT_EQ(found.first.cause, Cause::kUnknown);
  EXPECT_EQ(found.second.cause, Cause::kPlatform);
  ASSERT_EQ(found.kinds.size(), 1u) << "of the first cause alone";
  EXPECT_EQ(found.kinds[0].kind, SlowdownKind::kCpuUnknown);
}

TEST(SlowdownVerdict, of_a_vm_that_is_new_nothing_is_known) {
  auto model = seen({{SlowdownKind::kCpuOtherVm, 1000}});
  model.vms[0].slowdown.window.begin_ns = 158 * kSecond;
  EXPECT_EQ(verdict(model).first.cause, Cause::kUnknown);
  model.vms[0].slowdown = {};
  EXPECT_EQ(verdict(model).first.cause, Cause::kUnknown);
}

}  // namespace vmflow::test
