// SPDX-License-Identifier: GPL-2.0-only
// Processes and threads of a guest, rule by rule as the thesis has them (vPSD, GTA; see
// thesis_tables_test.cpp for which rule is which test).
//
// The thesis reads the guest's registers before each entry, vmflow at each exit: a process is told
// by the exit that ends its time in the guest.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_guest.h"
#include "tests/analysis/thesis_row.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kA = 0xa000, kB = 0xb000;
constexpr uint64_t kKernelStack = DrawnGuest::kKernelStack;
const DrawnThread kTask{300, 300, comm_of("make")};

/// As other recorders have it.
class Guest : public DrawnGuest {
 public:
  explicit Guest(const ExitWords& words) : DrawnGuest(words, false) {}
};

/// "a000 1000-3000 on 0": who had which vCPU, by time.
Lines stretches_of(const VmProcesses& vm) {
  Lines lines;
  for (const auto& each : vm.stretches)
    lines.push_back(fmt::format("{:x} {}-{} on {}", vm.processes[each.process].key.cr3,
                                each.begin_ns, each.end_ns, each.vcpu_id));
  return lines;
}

class ThesisProcesses : public testing::TestWithParam<ExitWords> {
 protected:
  const ExitWords& words = GetParam();
};

}  // namespace

// prev != cr3: prev begins to wait, and cr3 has waited since it left, for prev.
TEST_P(ThesisProcesses, another_root_is_another_process_and_a_known_one_comes_back) {
  Guest guest(words);
  guest.on(0).enters(1000).exits(2000, kA).exits(3000, kB).exits(4000, kA);
  guest.leaves(5000, words.interrupt, kB);
  const auto vm = guest.processes();
  ASSERT_EQ(vm.processes.size(), 2u);
  EXPECT_EQ(stretches_of(vm), (Lines{"a000 1000-2020 on 0", "b000 2020-3020 on 0",
                                     "a000 3020-4020 on 0", "b000 4020-5000 on 0"}));
  EXPECT_EQ(wait(of(vm, kA), WaitReason::kTask), 3020u - 2020);
  EXPECT_EQ(wait(of(vm, kB), WaitReason::kTask), 4020u - 3020);
  ASSERT_EQ(of(vm, kB).wakers.size(), 1u);
  EXPECT_EQ(vm.processes[of(vm, kB).wakers[0].process].key.cr3, kA);
}

// prev = cr3: the same process, whatever its stack.
TEST_P(ThesisProcesses, the_same_root_goes_on_as_the_same_process) {
  Guest guest(words);
  guest.on(0).enters(1000).exits(2000, kA).exits(3000, kA, kKernelStack).exits(4000, kA);
  const auto vm = guest.processes();
  EXPECT_EQ(stretches_of(vm), Lines{"a000 1000-4020 on 0"});
  EXPECT_EQ(of(vm, kA).exits, 3u);
  EXPECT_EQ(of(vm, kA).guest_ns(), 1000u + 980 + 980);
  EXPECT_EQ(of(vm, kA).host_ns, 3 * 20u);
}

// A thread in the kernel is a stack of 16 KiB: within one it is the same, in the next another.
TEST_P(ThesisProcesses, kernel_stacks_of_one_process_are_its_threads) {
  Guest guest(words);
  guest.on(0).enters(1000).exits(2000, kA, kKernelStack).exits(3000, kA, kKernelStack - 0x800);
  EXPECT_EQ(of(guest.processes(), kA).threads, 1u);
  guest.exits(4000, kA, kKernelStack + 0x4000).exits(5000, kA, kKernelStack + 0x8000);
  EXPECT_EQ(of(guest.processes(), kA).threads, 3u);
}

// At HLT the process leaves the vCPU, and waits for what ends the halt: prev is unknown at
// switch-in.
TEST_P(ThesisProcesses, a_process_that_halts_waits_for_what_ends_the_halt) {
  struct Case {
    flow_wake_kind by;
    WaitReason reason;
  };
  for (const auto& [by, reason] :
       {Case{FLOW_WAKE_OWN_INTERRUPT, WaitReason::kTimer},
        Case{FLOW_WAKE_VMM_DISK, WaitReason::kDisk}, Case{FLOW_WAKE_VHOST, WaitReason::kNet},
        Case{FLOW_WAKE_BARE, WaitReason::kUnknown}}) {
    Guest guest(words);
    guest.on(0).enters(500).exits(1000, kA).halts(2000, kA, 5000,
                                                  flow_waker(DrawnGuest::kMain.tid, by));
    guest.leaves(6000, words.interrupt, kA);
    const auto vm = guest.processes();
    EXPECT_EQ(stretches_of(vm), (Lines{"a000 500-2000 on 0", "a000 5020-6000 on 0"}));
    EXPECT_EQ(wait(of(vm, kA), reason), 5020u - 2000 - 10) << wait_reason_name(reason);
    EXPECT_EQ(of(vm, kA).ready_ns[FLOW_CULPRIT_NONE], 10u) << "on an idle CPU";
    EXPECT_EQ(vm.idle_ns, 0u);
  }
}

// 2010 is the last interrupt, and the guest has been taken out for another one since: B's turn is
// A's doing.
TEST_P(ThesisProcesses, a_process_was_not_woken_by_an_interrupt_that_was_handled_before) {
  Guest guest(words);
  guest.trace.on(7, DrawnGuest::kMain).accept(2010, 0);
  guest.on(0).enters(1000).exits(1500, kB).exits(2000, kA).exits(1'500'000, kA, kKernelStack);
  guest.leaves(2'000'000, words.interrupt, kB);
  const auto vm = guest.processes();
  EXPECT_EQ(wait(of(vm, kB), WaitReason::kTask), 1'500'020u - 1520);
  EXPECT_EQ(wait(of(vm, kB), WaitReason::kDevice), 0u);
  ASSERT_EQ(of(vm, kB).wakers.size(), 1u);
}

// The wake-up source is who ran on the vCPU that sent the interrupt.
TEST_P(ThesisProcesses, a_process_that_an_ipi_wakes_was_woken_by_who_ran_on_the_sender) {
  Guest guest(words);
  guest.on(1).enters(900).exits(1000, kA).exits(3000, kB).leaves(9000, words.interrupt, kB);
  guest.on(0).enters(910).exits(1000, kA).halts(2000, kA, 5000, flow_waker(1, FLOW_WAKE_IPI));
  guest.leaves(6000, words.interrupt, kA);
  const auto vm = guest.processes();
  EXPECT_EQ(wait(of(vm, kA), WaitReason::kTask), 3010u);
  ASSERT_EQ(of(vm, kA).wakers.size(), 1u);
  EXPECT_EQ(vm.processes[of(vm, kA).wakers[0].process].key.cr3, kB);
}

// Value 18 of a vCPU's states: its timer's interrupt makes the guest switch.
TEST_P(ThesisProcesses, a_process_that_always_loses_its_vcpu_to_a_tick_is_preempted_inside) {
  Guest guest(words);
  guest.on(0).enters(1000);
  for (uint64_t ns = 2000; ns <= 21'000; ns += 1000) {
    const bool is_a = ns % 2000 == 0;
    guest.ticks(ns, is_a ? kA : kB);
    // An exit at another time tells that it is the tick.
    if (ns < 21'000) guest.exits(ns + 500, is_a ? kB : kA);
  }
  const auto vm = guest.processes();
  EXPECT_EQ(of(vm, kA).preempted, 10u);
  EXPECT_EQ(of(vm, kA).behind_ns, 9 * 1000u);
  EXPECT_EQ(of(vm, kB).preempted, 9u) << "nobody has run after its last tick";
  EXPECT_EQ(wait(of(vm, kA), WaitReason::kTask), 0u);
  EXPECT_TRUE(of(vm, kA).wakers.empty());
}

// Timer first, last exit not HLT: it is the process that is preempted, with its vCPU.
TEST_P(ThesisProcesses, a_process_whose_vcpu_loses_its_cpu_is_preempted_with_it) {
  Guest guest(words);
  guest.trace.on(9, kTask).to(200, kIdle, 1);
  guest.on(0).enters(500).exits(1000, kA).leaves(2000, words.interrupt, kA);
  guest.trace.to(2010, kTask, 0).to(4000, DrawnGuest::kVcpus[0], 0);
  guest.on(0).trace.accept(4010, 0);
  guest.enters(4020).leaves(5000, words.interrupt, kA);
  const auto vm = guest.processes();
  EXPECT_EQ(stretches_of(vm), Lines{"a000 500-5000 on 0"}) << "it has kept its vCPU";
  EXPECT_EQ(of(vm, kA).ready_ns[FLOW_CULPRIT_HOST_TASK], 4000u - 2010);
  for (const auto wait_ns : of(vm, kA).wait_ns) EXPECT_EQ(wait_ns, 0u);
}

// Per process: the vCPUs that it has had, also two at once, and its exits on all of them.
TEST_P(ThesisProcesses, a_process_has_the_vcpus_and_the_exits_of_all_its_threads) {
  Guest guest(words);
  guest.on(0).enters(1000).exits(2000, kA).exits(3000, kA);
  guest.on(1).enters(1500).exits(2500, kA).exits(3500, kB).leaves(4500, words.interrupt, kB);
  const auto vm = guest.processes();
  EXPECT_EQ(stretches_of(vm),
            (Lines{"a000 1000-3020 on 0", "a000 1500-2520 on 1", "b000 2520-4500 on 1"}));
  EXPECT_EQ(of(vm, kA).exits, 3u);
  EXPECT_EQ(of(vm, kB).exits, 2u);
}

// What a row says of a process it says of the doubled trace too; without one event, or with two of
// them swapped, what ran in the guest is still told to the nanosecond.
TEST_P(ThesisProcesses, doubled_events_change_no_process_and_lost_ones_no_sum) {
  Guest guest(words);
  guest.on(0).enters(500).exits(1000, kA).ticks(1500, kB);
  guest.halts(2000, kA, 5000, flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_VMM_DISK))
      .exits(6000, kA);
  guest.leaves(7000, words.interrupt, kB);
  const auto events = guest.events();
  const auto once = guest.processes(), twice = Guest::processes_of(replay(doubled(events)));
  EXPECT_EQ(stretches_of(twice), stretches_of(once));
  for (const uint64_t cr3 : {kA, kB}) {
    EXPECT_EQ(of(twice, cr3).wait_ns, of(once, cr3).wait_ns);
    EXPECT_EQ(of(twice, cr3).ready_ns, of(once, cr3).ready_ns);
  }
  for (size_t i = 0; i < events.size(); i++)
    for (const bool is_lost : {false, true}) {
      auto broken = events;
      if (is_lost)
        broken.erase(broken.begin() + static_cast<std::ptrdiff_t>(i));
      else if (i + 1 < events.size())
        std::swap(broken[i], broken[i + 1]);
      const auto result = replay(broken);
      EXPECT_EQ(guest_processes(result).at(0).guest_ns(),
                drawn_ns(vcpu_of(result, DrawnGuest::kVcpus[0].tid), kLatestNs)[FLOW_GUEST])
          << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Thesis, ThesisProcesses, both_vendors(), vendor_of);

}  // namespace vmflow::test
