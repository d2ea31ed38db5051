// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_policy.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr PolicyLimits kLimits{.cool_down_ns = 300 * kSecond,
                               .manual_cool_down_ns = 10 * kSecond,
                               .per_hour = 3,
                               .off = false};

struct Asking {
  std::optional<Refusal> at(uint64_t second, const std::string& trigger = "rule",
                            const std::string& vm = "vm", bool manual = false) {
    return policy.ask(trigger, vm, manual, second * kSecond, room);
  }
  /// Asked and taken at once.
  std::optional<Refusal> taken_at(uint64_t second, const std::string& trigger = "rule",
                                  const std::string& vm = "vm", bool manual = false) {
    const auto refused = at(second, trigger, vm, manual);
    if (!refused) policy.done();
    return refused;
  }
  SnapshotPolicy policy{kLimits};
  Room room;
};

TEST(SnapshotPolicy, takes_one_at_a_time) {
  Asking asking;
  EXPECT_EQ(asking.at(1), std::nullopt);
  EXPECT_EQ(asking.at(2, "other", "vm 2"), Refusal::kBusy);
  asking.policy.done();
  EXPECT_EQ(asking.at(3, "other", "vm 2"), std::nullopt);
}

TEST(SnapshotPolicy, cools_down_per_trigger_and_vm) {
  Asking asking;
  EXPECT_EQ(asking.taken_at(1), std::nullopt);
  EXPECT_EQ(asking.taken_at(300), Refusal::kCooldown);
  EXPECT_EQ(asking.taken_at(300, "rule", "vm 2"), std::nullopt);
  EXPECT_EQ(asking.taken_at(301), std::nullopt) << "300 s later";
}

TEST(SnapshotPolicy, a_person_waits_for_less) {
  Asking asking;
  EXPECT_EQ(asking.taken_at(1, "http", "", true), std::nullopt);
  EXPECT_EQ(asking.taken_at(10, "http", "", true), Refusal::kCooldown);
  EXPECT_EQ(asking.taken_at(11, "http", "", true), std::nullopt);
}

TEST(SnapshotPolicy, takes_so_many_in_any_hour) {
  Asking asking;
  for (uint64_t i = 0; i < 3; i++)
    EXPECT_EQ(asking.taken_at(100 * i, "rule", std::to_string(i)), std::nullopt);
  EXPECT_EQ(asking.taken_at(3599, "rule", "x"), Refusal::kRate);
  EXPECT_EQ(asking.policy.wait_ns("rule", "x", false, 3599 * kSecond), kSecond);
  EXPECT_EQ(asking.taken_at(3600, "rule", "x"), std::nullopt) << "the first is an hour ago";
  EXPECT_EQ(asking.taken_at(3601, "rule", "y"), Refusal::kRate);
}

TEST(SnapshotPolicy, where_there_is_no_room_nothing_is_used_up) {
  Asking asking;
  for (const auto why : {Refusal::kQuota, Refusal::kDisk}) {
    asking.room = why;
    EXPECT_EQ(asking.at(1), why);
  }
  asking.room = std::nullopt;
  EXPECT_EQ(asking.at(2), std::nullopt);
}

TEST(SnapshotPolicy, off_refuses_everything) {
  auto limits = kLimits;
  limits.off = true;
  EXPECT_EQ(SnapshotPolicy(limits).ask("rule", "vm", true, 1, {}), Refusal::kOff);
}

TEST(SnapshotPolicy, says_how_long_to_wait) {
  Asking asking;
  asking.taken_at(100);
  EXPECT_EQ(asking.policy.wait_ns("rule", "vm", false, 150 * kSecond), 250 * kSecond);
  EXPECT_EQ(asking.policy.wait_ns("rule", "other", false, 150 * kSecond), 0u);
}

TEST(SnapshotPolicy, a_storm_of_names_is_not_remembered) {
  Asking asking;
  for (uint64_t i = 0; i < 1000; i++) asking.taken_at(i, "http", std::to_string(i), true);
  EXPECT_LE(asking.policy.remembered(), 6u);
  asking.taken_at(10000);
  EXPECT_LE(asking.policy.remembered(), 2u);
}

}  // namespace
}  // namespace vmflow::test
