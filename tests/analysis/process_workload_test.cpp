// SPDX-License-Identifier: GPL-2.0-only
// A pipeline of three processes on two vCPUs and what runs beside it, drawn exit by exit.
#include "analysis/process_workload.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_guest.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kA = 0xa000, kB = 0xb000, kC = 0xc000, kDaemon = 0xd000, kOther = 0xe000;

bool is_kept(const VmProcesses& vm, uint64_t cr3) {
  return vm.ranks->kept.at(static_cast<size_t>(&of(vm, cr3) - vm.processes.data()));
}

double rank_of(const VmProcesses& vm, uint64_t cr3) {
  return vm.ranks->rank.at(static_cast<size_t>(&of(vm, cr3) - vm.processes.data()));
}

// A on vCPU 0 wakes B on 1, which wakes C on 0. Once a round, when vCPU 0 sleeps, its timer lets a
// daemon run for `daemon_ns`, two of them in turns; then its timer wakes A again. Each is seen at
// an exit before the vCPU's halt.
VmProcesses pipeline(uint64_t daemon_ns) {
  DrawnGuest guest;
  const auto timer = flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_OWN_INTERRUPT);
  const auto ipi_by = [](uint32_t vcpu) { return flow_waker(vcpu, FLOW_WAKE_IPI); };
  guest.on(0).enters(900);
  guest.on(1).enters(800).exits(840, kB).halts(850, kB, 2000, ipi_by(0));
  for (uint64_t at = 1000, round = 0; round < 12; at += 20'000, round++) {
    const auto daemon = round % 2 == 0 ? kDaemon : kOther;
    guest.on(0).exits(at + 1900, kA).halts(at + 2000, kA, at + 3000, ipi_by(1));
    guest.on(1).exits(at + 3500, kB).halts(at + 4000, kB, at + 21'000, ipi_by(0));
    guest.on(0).exits(at + 4900, kC).halts(at + 5000, kC, at + 6000, timer);
    guest.exits(at + 6020 + daemon_ns, daemon)
        .halts(at + 6100 + daemon_ns, daemon, at + 20'000, timer);
  }
  return guest.processes();
}

GuestProcess woken_by(std::vector<OtherProcess> wakers, uint64_t guest_ns) {
  GuestProcess process;
  process.wakers = std::move(wakers);
  process.certain_ns = guest_ns;
  return process;
}

}  // namespace

TEST(ProcessWorkload, keeps_a_pipeline_and_drops_the_daemons_beside_it) {
  const auto vm = pipeline(300);
  ASSERT_EQ(vm.processes.size(), 5u);
  ASSERT_TRUE(vm.ranks);
  for (const auto cr3 : {kA, kB, kC}) EXPECT_TRUE(is_kept(vm, cr3)) << std::hex << cr3;
  for (const auto cr3 : {kDaemon, kOther}) EXPECT_FALSE(is_kept(vm, cr3)) << std::hex << cr3;
  EXPECT_GT(rank_of(vm, kC), rank_of(vm, kB)) << "the chain of process_rank_test, and two alone";
  EXPECT_GT(rank_of(vm, kB), rank_of(vm, kA));
  const auto load = process_workload(vm);
  EXPECT_EQ(load.processes, 3u);
  EXPECT_EQ(load.left_out, 2u);
  EXPECT_EQ(load.guest_ns, of(vm, kA).guest_ns() + of(vm, kB).guest_ns() + of(vm, kC).guest_ns());
  EXPECT_EQ(load.wait_ns[static_cast<size_t>(WaitReason::kTask)],
            wait(of(vm, kB), WaitReason::kTask) + wait(of(vm, kC), WaitReason::kTask));
  EXPECT_EQ(load.wait_ns[static_cast<size_t>(WaitReason::kTimer)],
            wait(of(vm, kA), WaitReason::kTimer));
}

TEST(ProcessWorkload, keeps_what_works_much_though_nobody_wakes_it) {
  const auto vm = pipeline(9000);
  EXPECT_TRUE(is_kept(vm, kDaemon));
  EXPECT_EQ(process_workload(vm).left_out, 0u);
}

TEST(ProcessWorkload, is_all_there_is_where_nobody_wakes_anybody) {
  VmProcesses vm;
  vm.processes = {woken_by({}, 100), woken_by({}, 1)};
  EXPECT_FALSE(rank_workload(vm));
  EXPECT_EQ(process_workload(vm).processes, 2u);
  EXPECT_EQ(process_workload({}).processes, 0u);
}

// 0 is woken a hundred times by 1, and at times, it seems, by 2.
TEST(ProcessWorkload, takes_no_chance_for_a_wakeup) {
  const auto edges = [](uint64_t most, uint64_t second, uint64_t task_ns, uint64_t timer_ns) {
    VmProcesses vm;
    vm.processes = {
        woken_by({{.process = 1, .count = most}, {.process = 2, .count = second}}, 100), {}, {}};
    vm.processes[0].wait_ns[static_cast<size_t>(WaitReason::kTask)] = task_ns;
    vm.processes[0].wait_ns[static_cast<size_t>(WaitReason::kTimer)] = timer_ns;
    return wake_graph(vm).edges.size();
  };
  EXPECT_EQ(edges(100, 10, 900, 100), 2u);
  EXPECT_EQ(edges(100, 9, 900, 100), 1u) << "few beside the other's";
  EXPECT_EQ(edges(4, 3, 900, 100), 1u) << "few";
  EXPECT_EQ(edges(100, 10, 100, 201), 0u) << "it waits for its timer";
  EXPECT_EQ(edges(100, 10, 100, 199), 2u);
}

}  // namespace vmflow::test
