// SPDX-License-Identifier: GPL-2.0-only
// Label lab: more than the agent has room for. What is lost has a name and a count; what is not
// lost is right all the same.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"

namespace vmflow::lab {
namespace {

double lost(const Page& page, const std::string& reason) {
  return page.sum("vmflow_events_dropped_total", {{"source", "bpf"}, {"reason", reason}});
}

}  // namespace

TEST(Losses, of_a_full_table_of_vcpus_are_named_and_the_first_vcpu_is_right) {
  keep_to_first_cpu();
  AgentProcess agent({"--max-vcpus", "1", "--collector.vcpu.per-vcpu"});
  agent.wait_until_ready();
  Guest first({"cpuid", "--count", "3001", "--pin", "1"});
  first.truth();
  Guest second({"cpuid", "--count", "997", "--pin", "1"});
  second.truth();
  const auto page = agent.scrape();
  const auto vm = page.vm_of(first.pid());
  const double cpuids = page.sum("vmflow_vm_exits_total", {{"vm", vm}, {"reason", "cpuid"}});
  figure("room for 1 vCPU of 2: {} cpuid exits of the first; no_free_slot {}", cpuids,
         lost(page, "no_free_slot"));
  EXPECT_EQ(cpuids, 3001);
  EXPECT_EQ(page.vm_of(second.pid()), "") << "there is no room for it";
  // Each of its exits and entries.
  EXPECT_GE(lost(page, "no_free_slot"), 2 * 997);
  EXPECT_EQ(page.sum("vmflow_vm_vcpu_unaccounted_seconds_total"), 0);
}

// FLOW_WAITERS is 14.
TEST(Losses, of_a_full_list_of_waiters_are_named_and_their_culprit_is_unknown) {
  keep_to_first_cpu();
  AgentProcess agent;
  agent.wait_until_ready();
  Guest guest({"spin", "--seconds", "6", "--pin", "1", "--vcpus", "20"});
  guest.truth();
  const auto page = agent.scrape();
  const Labels of_vm{{"vm", page.vm_of(guest.pid())}};
  const double ready = times_of(page, of_vm.at("vm")).state.at("ready");
  const auto by = [&](const char* culprit) {
    auto labels = of_vm;
    labels["culprit"] = culprit;
    return page.sum("vmflow_vm_ready_by_culprit_seconds_total", labels);
  };
  const double all = page.sum("vmflow_vm_ready_by_culprit_seconds_total", of_vm);
  const double open =
      page.sum("vmflow_vm_open_wait_seconds", {{"vm", of_vm.at("vm")}, {"state", "ready"}});
  figure(
      "20 vCPUs on one CPU: ready {:.3f} s, own_vm {:.3f} s, unknown {:.3f} s; no_waiter_place {}",
      ready, by("own_vm"), by("unknown"), lost(page, "no_waiter_place"));
  EXPECT_GT(lost(page, "no_waiter_place"), 0);
  EXPECT_GT(by("unknown"), 0);
  EXPECT_GT(by("own_vm"), by("unknown"));
  EXPECT_NEAR(all + open, ready, 1e-6) << "the culprits are the state";
  EXPECT_EQ(page.sum("vmflow_vm_vcpu_unaccounted_seconds_total"), 0);
}

}  // namespace vmflow::lab
