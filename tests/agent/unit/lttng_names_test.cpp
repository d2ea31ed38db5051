// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_names.h"

#include <gtest/gtest.h>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

std::string stat_of(const std::string& pid, const std::string& ticks) {
  return pid + " (vm) flow) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + ticks + " 0 0\n";
}

}  // namespace

TEST(LttngNames, say_whose_a_session_is) {
  const ProcessKey owner{4711, 90001};
  EXPECT_EQ(lttng_session_name(owner), "vmflow-4711-90001");
  EXPECT_EQ(lttng_session_owner("vmflow-4711-90001"), owner);
}

TEST(LttngNames, of_others_are_nobodys) {
  for (const auto* name :
       {"", "auto-20261126", "vmflow", "vmflow-", "vmflow-1", "vmflow-1-", "vmflow--1",
        "vmflow-1-2-3", "vmflow-0-5", "vmflow-01-5", "vmflow-1-2x", "vmflow- 1-2", "vmflow-+1-2",
        "vmflow--1-2", "my-vmflow-1-2", "vmflow-99999999999-1", "vmflow-1-99999999999999999999"})
    EXPECT_FALSE(lttng_session_owner(name)) << name;
}

TEST(LttngNames, are_stale_if_their_process_has_ended_or_its_pid_is_anothers) {
  const TemporaryFolder proc;
  proc.write("10/stat", stat_of("10", "500"));
  proc.write("11/stat", stat_of("11", "777"));
  EXPECT_EQ(
      stale_lttng_sessions(
          {"vmflow-10-500", "vmflow-11-600", "vmflow-12-500", "other", "vmflow-x-1"}, proc.path()),
      (std::vector<std::string>{"vmflow-11-600", "vmflow-12-500"}));
}

TEST(LttngNames, of_this_process_are_not_stale) {
  const auto self = own_process_key();
  ASSERT_TRUE(self);
  EXPECT_TRUE(stale_lttng_sessions({lttng_session_name(*self)}).empty());
}

}  // namespace vmflow::test
