// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace vmflow::test {
namespace {

std::vector<std::string> all_names() {
  std::vector<std::string> names{"kvm_mmio", "kvm_x86_cpuid", "sched_wakeup"};
  for (const auto& event : lttng_events()) names.emplace_back(event.name);
  return names;
}

std::vector<std::string> without(const std::string& prefix) {
  auto names = all_names();
  std::erase_if(names, [&](const auto& name) { return name.starts_with(prefix); });
  return names;
}

}  // namespace

TEST(LttngEvents, are_exact_names_and_none_that_is_known_to_oops) {
  std::set<std::string> seen;
  for (const auto& event : lttng_events()) {
    const std::string name = event.name;
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_STRNE(event.why, "") << name;
  }
  EXPECT_FALSE(seen.contains("kvm_mmio"));
}

TEST(LttngEvents, are_all_chosen_where_all_are_there_and_no_other) {
  const auto choice = choose_lttng_events(all_names());
  EXPECT_EQ(choice.backend, LttngBackend::lttng);
  EXPECT_EQ(choice.reason, "");
  ASSERT_EQ(choice.events.size(), lttng_events().size());
  EXPECT_EQ(choice.events.front(), lttng_events().front().name);
  EXPECT_TRUE(choice.missing.empty());
}

TEST(LttngEvents, are_the_schedulers_where_the_kvm_probes_are_missing) {
  // A build against bare headers leaves out kvm_x86_*, and keeps the rest of kvm_*.
  const auto choice = choose_lttng_events(without("kvm_x86_"));
  EXPECT_EQ(choice.backend, LttngBackend::lttng_sched);
  EXPECT_EQ(choice.reason,
            "LTTng has no kvm_x86_exit, kvm_x86_entry on this kernel: its KVM probes are built "
            "only where the kernel's private headers arch/x86/kvm/*.h are");
  for (const auto& name : choice.events) EXPECT_FALSE(name.starts_with("kvm_")) << name;
  EXPECT_NE(std::ranges::find(choice.events, "sched_switch"), choice.events.end());
}

TEST(LttngEvents, are_none_where_the_scheduler_cannot_be_followed) {
  for (const auto* prefix : {"sched_", "sched_waking", "sched_switch"}) {
    const auto choice = choose_lttng_events(without(prefix));
    EXPECT_EQ(choice.backend, LttngBackend::none) << prefix;
    EXPECT_TRUE(choice.events.empty());
    EXPECT_NE(choice.reason.find("sched_"), std::string::npos);
  }
  EXPECT_EQ(choose_lttng_events({}).backend, LttngBackend::none);
}

TEST(LttngEvents, that_are_only_evidence_are_missed_by_name) {
  const auto choice = choose_lttng_events(without("block_rq_issue"));
  EXPECT_EQ(choice.backend, LttngBackend::lttng);
  EXPECT_EQ(choice.missing, std::vector<std::string>{"block_rq_issue"});
  EXPECT_EQ(choice.reason, "LTTng has no block_rq_issue on this kernel");
}

}  // namespace vmflow::test
