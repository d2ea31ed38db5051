// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: on the machine's own kernel, whatever its KVM reports, the ring alone records a run
// and the trace opens.
#include <gtest/gtest.h>

#include <filesystem>

#include "lttng_daemon.h"
#include "recording_agent.h"

namespace vmflow::lab {

TEST(RingAlone, records_a_run_that_babeltrace2_opens) {
  RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng"});
  EXPECT_EQ(agent.backend(), "ring");
  Guest guest({"pio", "--count", "211"});
  const auto userspace_exits = guest.truth()["vms"][0]["vcpus"][0]["userspace_exits"];
  int expected = 0;
  for (const auto& [reason, count] : userspace_exits.items()) expected += count.get<int>();
  const auto asked = agent.ask({"--wait"});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const auto snapshot = agent.snapshots().at(0);
  const auto events = count_names(events_of(agent.folder_of(snapshot) + "/trace/ring"));
  for (const auto& [name, count] : events) printf("     %-24s %d\n", name.c_str(), count);
  EXPECT_GE(expected, 211);
  EXPECT_EQ(events.at("kvm_userspace_exit"), expected);
  EXPECT_GT(events.at("sched_switch"), 0);
  const auto report = agent.wait_for_report(snapshot["id"]);
  ASSERT_EQ(report["vms"].size(), 1u);
  EXPECT_EQ(report["vms"][0]["pid"], guest.pid());
  EXPECT_EQ(agent->stop().status, 0);
  std::filesystem::remove_all(agent.folder());
}

}  // namespace vmflow::lab
