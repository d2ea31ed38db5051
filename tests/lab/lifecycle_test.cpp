// SPDX-License-Identifier: GPL-2.0-only
// Label lab: agents and VMs that come and go in any order. Starts in a lab whose KVM is not loaded.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>

#include "fall_watch.h"
#include "figure.h"
#include "guest.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

void pause_for(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

std::unique_ptr<AgentProcess> ready_agent() {
  auto agent =
      std::make_unique<AgentProcess>(std::vector<std::string>{"--collector.vcpu.per-vcpu"});
  agent->wait_until_ready();
  return agent;
}

/// Programs of ours that the kernel holds.
int programs_left() {
  int left = 0;
  for (const auto* name : {"on_kvm_exit", "on_kvm_entry", "on_sched_switch", "on_sched_waking"})
    left += !run({"bpftool", "prog", "show", "name", name}).out.empty();
  return left;
}

double live_and_departed(const Page& page, const std::string& reason) {
  return page.sum("vmflow_vm_exits_total", {{"reason", reason}}) +
         page.sum("vmflow_departed_exits_total", {{"reason", reason}});
}

}  // namespace

/// First: it loads KVM for the tests after it.
TEST(Agent, started_before_kvm_attaches_when_it_appears) {
  AgentProcess agent;
  while (agent.status_of("/-/healthy") != 200) pause_for(std::chrono::milliseconds(50));
  pause_for(std::chrono::milliseconds(2500));
  EXPECT_EQ(agent.status_of("/-/ready"), 503);
  EXPECT_EQ(agent.scrape().sum("vmflow_vms"), 0);
  ASSERT_EQ(run({"modprobe", "kvm_amd"}).status, 0);
  const Stopwatch loaded;
  agent.wait_until_ready();
  figure("ready {:.1f} s after kvm_amd was loaded", loaded.seconds());
  Guest guest({"cpuid", "--count", "3001"});
  guest.truth();
  const auto page = agent.scrape();
  const auto exits =
      page.sum("vmflow_vm_exits_total", {{"vm", page.vm_of(guest.pid())}, {"reason", "cpuid"}});
  figure("agent before kvm: 3001 CPUIDs, {} exits", exits);
  EXPECT_EQ(exits, 3001);
}

TEST(Agent, started_after_the_vm_counts_from_then_on) {
  Guest spins({"spin", "--seconds", "100", "--pin", "1"});
  Guest sleeps({"hlt", "--count", "100", "--period-us", "2000000", "--vcpus", "2"});
  pause_for(std::chrono::seconds(1));
  const Stopwatch started;
  const auto agent = ready_agent();
  const double ready = started.seconds();
  pause_for(std::chrono::seconds(3));
  const double before = started.seconds();
  const auto page = agent->scrape();
  const double after = started.seconds();
  const auto counted = times_of(page, page.vm_of(spins.pid())).sum;
  figure(
      "agent after the VM: ready at {:.2f} s, page at {:.2f} to {:.2f} s, spinner counted {:.2f} s",
      ready, before, after, counted);
  EXPECT_GE(counted, before - ready - 1);
  EXPECT_LE(counted, after);
  EXPECT_EQ(page.sum("vmflow_vm_vcpus", {{"vm", page.vm_of(sleeps.pid())}}), 2)
      << "vCPUs that slept when the agent started";
}

TEST(Agent, restarted_while_vms_run_is_right_again_and_leaves_nothing_behind) {
  Guest guest({"mixed", "--seconds", "100", "--period-us", "2000", "--us", "500"});
  pause_for(std::chrono::milliseconds(500));
  auto first = ready_agent();
  pause_for(std::chrono::milliseconds(500));
  const Stopwatch asked;
  const auto ended = first->stop();
  const double took = asked.seconds();
  figure("SIGTERM: status {} after {:.2f} s, {} programs left", ended.status, took,
         programs_left());
  EXPECT_EQ(ended.status, 0);
  EXPECT_LE(took, 2);
  EXPECT_EQ(programs_left(), 0);

  first = ready_agent();
  first->process().signal(SIGKILL);
  first->process().wait();
  pause_for(std::chrono::milliseconds(300));
  EXPECT_EQ(programs_left(), 0);

  const Stopwatch started;
  const auto second = ready_agent();
  const double ready = started.seconds();
  pause_for(std::chrono::seconds(2));
  const double before = started.seconds();
  const auto page = second->scrape();
  const auto times = times_of(page, page.vm_of(guest.pid()));
  figure("restarted agent: {:.2f} s counted, {:.2f} to {:.2f} s possible", times.sum,
         before - ready - 1, started.seconds());
  EXPECT_GE(times.sum, before - ready - 1);
  EXPECT_LE(times.sum, started.seconds());
  EXPECT_EQ(times.unaccounted, 0);
  EXPECT_TRUE(has_only_stalled_wakeups(page));
}

TEST(Churn, of_200_vms_leaves_no_series_no_slot_and_every_exit) {
  const auto agent = ready_agent();
  const auto at_first = agent->scrape().sum("vmflow_bpf_map_entries", {{"map", "slots"}});
  FallWatch watch;
  double last = 0;
  const auto look = [&] {
    const auto page = agent->scrape();
    for (const auto& fall : watch.look(page)) ADD_FAILURE() << fall;
    const auto sum = live_and_departed(page, "cpuid");
    EXPECT_GE(sum, last);
    last = sum;
  };
  {
    Process many({ground_truth_path(), "cpuid", "--count", "101", "--repeat", "150"});
    while (many.is_running()) look();
    EXPECT_EQ(many.wait()->status, 0);
  }
  for (int i = 0; i < 50; i++) {
    EXPECT_EQ(run({ground_truth_path(), "cpuid", "--count", "101"}).status, 0);
    if (i % 10 == 0) look();
  }
  agent->scrape();
  const auto page = agent->scrape();
  for (const auto& fall : watch.look(page)) ADD_FAILURE() << fall;
  figure(
      "200 VMs of 101 CPUIDs: {} exits live and departed, {} departed VMs, {} live, slots {} -> {}",
      live_and_departed(page, "cpuid"), page.sum("vmflow_departed_vms_total"),
      page.sum("vmflow_vms"), at_first, page.sum("vmflow_bpf_map_entries", {{"map", "slots"}}));
  EXPECT_EQ(live_and_departed(page, "cpuid"), 200 * 101);
  EXPECT_EQ(page.sum("vmflow_departed_vms_total"), 200);
  EXPECT_EQ(page.sum("vmflow_vms"), 0);
  EXPECT_FALSE(page.has("vmflow_vm_exits_total"));
  EXPECT_EQ(page.sum("vmflow_bpf_map_entries", {{"map", "slots"}}), at_first);
  EXPECT_EQ(page.sum("vmflow_events_dropped_total"), 0);
}

}  // namespace vmflow::lab
