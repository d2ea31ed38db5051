// SPDX-License-Identifier: GPL-2.0-only
// Whose fault it was that a vCPU had no CPU, as switches, wake-ups and migrations tell it.
#include <gtest/gtest.h>

#include "analysis/build_model.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

constexpr uint32_t kHlt = 0x78;
const DrawnThread kVictim{101, 100, comm_of("CPU 0/KVM")}, kSibling{102, 100, comm_of("CPU 1/KVM")};
const DrawnThread kOther{201, 200, comm_of("CPU 0/KVM")}, kOtherIo{203, 200, comm_of("iothread")};
const DrawnThread kTask{300, 300, comm_of("make")}, kWorker{40, 40, comm_of("kworker/0:1")};
const DrawnThread kVhost{41, 41, comm_of("vhost-200")};

/// All vCPUs have entered the guest once, on CPUs of their own.
DrawnTrace three_vcpus() {
  DrawnTrace trace;
  trace.on(7, kSibling).entry(10).on(8, kOther).entry(20).on(0, kVictim).entry(100);
  return trace;
}

/// Intervals of the victim that are ready, as (begin, end, kind of the culprit).
std::vector<std::vector<uint64_t>> ready_of(const ReplayResult& result) {
  std::vector<std::vector<uint64_t>> ready;
  for (const auto& interval : vcpu_of(result, kVictim.tid).intervals)
    if (interval.state == FLOW_READY)
      ready.push_back(
          {interval.begin_ns, interval.end_ns, result.culprits.at(interval.culprit).kind});
  return ready;
}

}  // namespace

TEST(ReplayReady, is_the_fault_of_each_who_held_the_cpu_meanwhile) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kOtherIo).to(50, kIdle, 1).on(9, kTask).to(60, kIdle, 1);
  trace.on(0, kVictim).to(1000, kOther, 0).to(1100, kSibling, 0).to(1300, kTask, 0);
  trace.to(1600, kWorker, 0).to(2000, kVhost, 1).to(2500, kOtherIo, 1).to(3100, kVictim, 1);
  trace.entry(3150);
  const auto result = replay(trace.events);
  const vcpu_flow& flow = flow_of(result, kVictim.tid);
  EXPECT_EQ(flow.ns[FLOW_READY], 2100u);
  EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_OTHER_VM], 100u + 500u + 600u)
      << "its vCPU, its vhost worker, its thread";
  EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_OWN_VM], 200u);
  EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_HOST_TASK], 300u);
  EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_KERNEL_THREAD], 400u);
  EXPECT_EQ(flow.preempted[FLOW_CULPRIT_OTHER_VM], 1u);
  EXPECT_EQ(ready_of(result),
            (std::vector<std::vector<uint64_t>>{{1000, 1100, FLOW_CULPRIT_OTHER_VM},
                                                {1100, 1300, FLOW_CULPRIT_OWN_VM},
                                                {1300, 1600, FLOW_CULPRIT_HOST_TASK},
                                                {1600, 2000, FLOW_CULPRIT_KERNEL_THREAD},
                                                {2000, 2500, FLOW_CULPRIT_OTHER_VM},
                                                {2500, 3100, FLOW_CULPRIT_OTHER_VM}}));
  expect_conserved(result);
}

TEST(ReplayReady, has_the_names_of_the_culprits_in_the_model) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kTask).to(60, kIdle, 1);
  trace.on(0, kVictim).to(1000, kOther, 0).to(1100, kTask, 0).to(1400, kVictim, 0).entry(1450);
  const auto model = build_model(replay(trace.events).snapshot, {}).model;
  std::vector<std::string> rows;
  for (const auto& row : model.culprits)
    if (row.pid != 0 && row.victim.starts_with("100"))
      rows.push_back(row.task + row.vm + " " + std::to_string(row.ns));
  EXPECT_EQ(rows, (std::vector<std::string>{"make 300", "200-0 100"}));
}

TEST(ReplayReady, of_a_woken_vcpu_begins_with_its_wakeup) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kTask).to(60, kIdle, 1);
  trace.exit(900, kHlt);
  trace.on(0, kVictim).exit(900, kHlt).to(1000, kTask, 1);
  trace.on(7, kSibling).wakes(5000, kVictim, 0);
  trace.on(0, kTask).to(5600, kVictim, 0).entry(5700);
  const auto result = replay(trace.events);
  EXPECT_EQ(flow_of(result, kVictim.tid).ns[FLOW_HALTED], 4000u);
  EXPECT_EQ(flow_of(result, kVictim.tid).culprit_ns[FLOW_CULPRIT_HOST_TASK], 600u);
  EXPECT_EQ(ready_of(result),
            (std::vector<std::vector<uint64_t>>{{5000, 5600, FLOW_CULPRIT_HOST_TASK}}));
}

TEST(ReplayReady, of_a_vcpu_that_is_moved_as_it_is_woken_is_all_of_the_new_cpus) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kTask).to(60, kIdle, 1);
  trace.on(0, kVictim).exit(900, kHlt).to(1000, kTask, 1).on(1, kWorker).to(1100, kOther, 1);
  trace.on(7, kSibling).wakes(5000, kVictim, 0);
  trace.at(5010, MigrateEvent{.tid = kVictim.tid, .from_cpu = 0, .to_cpu = 1});
  trace.on(1, kOther).to(5600, kVictim, 0).entry(5700);
  const auto result = replay(trace.events);
  EXPECT_EQ(ready_of(result),
            (std::vector<std::vector<uint64_t>>{{5000, 5600, FLOW_CULPRIT_OTHER_VM}}));
}

TEST(ReplayReady, of_a_vcpu_that_is_moved_while_it_waits_is_of_both) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kTask).to(60, kIdle, 1);
  trace.on(1, kWorker).to(900, kOther, 1).on(0, kVictim).to(1000, kTask, 0);
  trace.on(5, kWorker).at(1300, MigrateEvent{.tid = kVictim.tid, .from_cpu = 0, .to_cpu = 1});
  trace.on(1, kOther).to(1700, kVictim, 0).entry(1750);
  const auto result = replay(trace.events);
  EXPECT_EQ(ready_of(result),
            (std::vector<std::vector<uint64_t>>{{1000, 1300, FLOW_CULPRIT_HOST_TASK},
                                                {1300, 1700, FLOW_CULPRIT_OTHER_VM}}));
  expect_conserved(result);
}

TEST(ReplayReady, while_a_quota_is_used_up_is_throttled_until_the_vcpu_runs_again) {
  DrawnTrace trace;
  trace.on(0, kVictim, 0x1000).at(100, EntryEvent{.vcpu_id = 0});
  trace.at(1000, VcpuOutEvent{.state = FLOW_READY, .block = FLOW_BLOCK_OTHER, .throttled = true});
  trace.to(1000, kTask, 0).to(3000, kVictim, 0);
  trace.at(3000, VcpuInEvent{.in_kvm_run = true, .disk_pending_ns = 0, .net_pending_ns = 0});
  const auto result = replay(trace.events);
  EXPECT_EQ(flow_of(result, kVictim.tid).ns[FLOW_THROTTLED], 2000u);
  expect_conserved(result);
}

TEST(ReplayReady, before_a_lost_switch_is_nobodys_known_fault) {
  DrawnTrace trace = three_vcpus();
  trace.on(9, kTask).to(60, kIdle, 1);
  trace.on(0, kVictim).to(1000, kWorker, 0);  // the switch from the worker to the task is not there
  trace.on(0, kTask).to(1500, kVictim, 0).entry(1550);
  const auto result = replay(trace.events);
  EXPECT_EQ(flow_of(result, kVictim.tid).culprit_ns[FLOW_CULPRIT_UNKNOWN], 500u);
  expect_conserved(result);
}

TEST(ReplayReady, is_told_without_switches_as_far_as_vcpus_come_and_go) {
  DrawnTrace trace;
  const VcpuInEvent in{.in_kvm_run = true, .disk_pending_ns = 0, .net_pending_ns = 0};
  const VcpuOutEvent out{.state = FLOW_READY, .block = FLOW_BLOCK_OTHER, .throttled = false};
  trace.on(0, kVictim, 0x1000).at(100, EntryEvent{.vcpu_id = 0}).at(1000, out);
  trace.on(0, kOther, 0x2000).at(1200, in).at(1700, out).on(0, kVictim, 0x1000).at(1900, in);
  const auto result = replay(trace.events);
  EXPECT_EQ(ready_of(result),
            (std::vector<std::vector<uint64_t>>{{1000, 1200, FLOW_CULPRIT_UNKNOWN},
                                                {1200, 1700, FLOW_CULPRIT_OTHER_VM},
                                                {1700, 1900, FLOW_CULPRIT_UNKNOWN}}));
  expect_conserved(result);
}

}  // namespace vmflow::test
