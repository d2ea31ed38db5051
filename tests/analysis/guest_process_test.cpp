// SPDX-License-Identifier: GPL-2.0-only
// Guest processes, drawn exit by exit.
#include "analysis/guest_process.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/analysis/drawn_guest.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kA = 0x10'0000, kB = 0x20'0000;
constexpr uint64_t kUserStack = DrawnGuest::kUserStack;
constexpr uint32_t kInterrupt = kSvmWords.interrupt;
using Guest = DrawnGuest;

uint64_t root_mask(const std::vector<GuestSample>& samples) {
  RootBits roots;
  roots.take(samples);
  return roots.mask();
}

}  // namespace

// A from 1000, B from 3020, A from 5020, …: each loses the vCPU at every second tick.
TEST(GuestProcess, two_that_share_a_vcpu_run_and_wait_behind_each_other) {
  Guest guest;
  guest.on(0).enters(1000).ticks(2000, kA);
  uint64_t ns = 3000;
  constexpr uint64_t kTurns[] = {kA, kA, kB, kB};
  for (int i = 0; i < 6; i++)
    for (int turn = 0; turn < 4; turn++) {
      // A tick whose handler leaves once more, for the next tick's time; an interrupt of the host.
      const auto cr3 = kTurns[turn];
      guest.leaves(ns, kInterrupt, cr3);
      guest.trace.accept(ns + 10, 0);
      guest.enters(ns + 20).leaves(ns + 30, 0x7c, cr3, 0xffff'8000'0000'2000);
      guest.enters(ns + 50).exits(ns + 500, kTurns[(turn + 1) % 4]);
      ns += 1000;
    }
  guest.leaves(ns, kInterrupt, kA);
  const auto vm = guest.processes();
  const auto &a = of(vm, kA), &b = of(vm, kB);
  EXPECT_EQ(a.preempted, 6u);
  EXPECT_EQ(b.preempted, 6u);
  EXPECT_EQ(b.behind_ns, 5 * 2000u);
  EXPECT_EQ(a.behind_ns, 6 * 2000u);
  EXPECT_EQ(sum_of(a), ns - 1000);
  EXPECT_EQ(sum_of(b), b.last_ns - b.first_ns);
  EXPECT_EQ(a.certain_ns + b.certain_ns + a.sampled_ns + b.sampled_ns, vm.guest_ns());
  EXPECT_GT(a.certain_ns, 0u);
  EXPECT_NEAR(vm.coverage(),
              static_cast<double>(a.certain_ns + b.certain_ns) / static_cast<double>(vm.guest_ns()),
              1e-9);
  EXPECT_TRUE(a.wakers.empty());
  EXPECT_TRUE(b.wakers.empty());
  ASSERT_EQ(b.behind.size(), 1u);
  EXPECT_EQ(vm.processes[b.behind[0].process].key.cr3, kA);
  EXPECT_EQ(b.behind[0].count, 5u);
  EXPECT_EQ(b.behind[0].ns, b.behind_ns);
}

// The same exits, but it is only at times that the switch follows a tick.
TEST(GuestProcess, one_that_loses_the_vcpu_at_any_time_waits_for_the_other) {
  Guest guest;
  guest.on(0).enters(1000);
  uint64_t ns = 2000;
  for (int i = 0; i < 12; i++, ns += 1000) {
    const auto cr3 = i % 2 == 0 ? kA : kB;
    if (i % 4 < 2)
      guest.ticks(ns, cr3);
    else
      guest.exits(ns, cr3);
  }
  const auto vm = guest.processes();
  const auto &a = of(vm, kA), &b = of(vm, kB);
  EXPECT_EQ(a.preempted, 0u);
  EXPECT_EQ(a.behind_ns, 0u);
  EXPECT_EQ(wait(a, WaitReason::kTask), 5 * 1000u);
  ASSERT_EQ(b.wakers.size(), 1u);
  EXPECT_EQ(vm.processes[b.wakers[0].process].key.cr3, kA);
}

// Nearly every exit is a tick: 950 of 1000 ns are after one. Both processes change at any time, so
// nearly all changes follow a tick, by chance; but no more than that.
TEST(GuestProcess, one_that_follows_a_tick_by_chance_is_not_preempted) {
  for (const bool is_preempted : {false, true}) {
    Guest guest;
    guest.on(0).enters(1000);
    uint64_t ns = 2000;
    for (int i = 0; i < 400; i++, ns += 1000) {
      // The host's own tick comes 50 ns before the guest's. In one of 21 turns the change is there.
      const bool is_late = !is_preempted && i % 21 == 0;
      const auto cr3 = i % 2 == 0 ? kA : kB, before = i % 2 == 0 ? kB : kA;
      guest.exits(ns - 50, is_late ? before : cr3);
      guest.ticks(ns, cr3);
    }
    const auto a = of(guest.processes(), kA);
    EXPECT_EQ(a.preempted > 0, is_preempted);
    EXPECT_EQ(a.wakers.empty(), is_preempted);
  }
}

// The same, but no exit ever tells the time of a change.
TEST(GuestProcess, what_it_waits_for_is_not_known_where_only_ticks_tell_of_it) {
  Guest guest;
  guest.on(0).enters(1000);
  for (uint64_t ns = 2000; ns < 40'000; ns += 1000) guest.ticks(ns, ns % 2000 == 0 ? kA : kB);
  const auto vm = guest.processes();
  const auto& a = of(vm, kA);
  EXPECT_GT(vm.after_timer_ratio, 0.95);
  EXPECT_EQ(a.behind_ns, 0u);
  EXPECT_TRUE(a.wakers.empty());
  EXPECT_EQ(wait(a, WaitReason::kUnknown), 18 * 1000u);
  EXPECT_EQ(sum_of(a), a.last_ns - a.first_ns);
}

// The host interrupts the handler of the tick: the change after that is the tick's all the same.
TEST(GuestProcess, a_handler_that_is_interrupted_goes_on) {
  Guest guest;
  guest.on(0).enters(1000);
  for (uint64_t ns = 2000; ns < 40'000; ns += 1000) {
    const auto cr3 = ns % 2000 == 0 ? kA : kB, next = ns % 2000 == 0 ? kB : kA;
    guest.ticks(ns, cr3).exits(ns + 50, cr3, 0xffff'8000'0000'2000);
    guest.exits(ns + 500, next);
  }
  const auto a = of(guest.processes(), kA);
  EXPECT_GT(a.preempted, 15u);
  EXPECT_TRUE(a.wakers.empty());
}

// It sleeps again and again, while another one computes, and its timer wakes it.
TEST(GuestProcess, one_that_comes_back_with_the_timer_waits_for_it) {
  Guest guest;
  guest.on(0).enters(1000);
  for (uint64_t ns = 2000; ns < 40'000; ns += 3000) {
    guest.exits(ns, kA);  // A has slept since it was woken
    guest.exits(ns + 1000, kB);
    guest.ticks(ns + 2000, kB);
  }
  const auto a = of(guest.processes(), kA);
  EXPECT_GT(wait(a, WaitReason::kTimer), 0u);
  EXPECT_EQ(wait(a, WaitReason::kTask), 0u);
  EXPECT_TRUE(a.wakers.empty());
}

// Each goes on when the other one has written to its pipe: no interrupt is needed on one vCPU.
TEST(GuestProcess, one_that_goes_on_without_an_interrupt_was_woken_by_the_one_before) {
  Guest guest;
  guest.on(0).enters(1000).exits(2000, kA).exits(3000, kB);
  guest.exits(4000, kA).leaves(5000, kInterrupt, kB);
  const auto vm = guest.processes();
  const auto &a = of(vm, kA), &b = of(vm, kB);
  EXPECT_EQ(wait(a, WaitReason::kTask), 3020u - 2020);
  EXPECT_EQ(wait(b, WaitReason::kTask), 4020u - 3020);
  ASSERT_EQ(b.wakers.size(), 1u);
  EXPECT_EQ(vm.processes[b.wakers[0].process].key.cr3, kA);
  EXPECT_EQ(b.wakers[0].count, 1u);
  EXPECT_EQ(b.wakers[0].ns, 1000u);
  EXPECT_EQ(sum_of(a), 4020u - 1000);
}

// 2000 halts, 5000 its disk's completion wakes it, 5010 it has a CPU, 5020 enters.
TEST(GuestProcess, one_that_a_halted_vcpu_goes_on_with_has_waited_for_what_woke_it) {
  Guest guest;
  guest.on(0).enters(500).exits(1000, kA);
  guest.halts(2000, kA, 5000, flow_waker(Guest::kMain.tid, FLOW_WAKE_VMM_DISK));
  guest.leaves(6000, kInterrupt, kA);
  const auto vm = guest.processes();
  const auto& a = of(vm, kA);
  EXPECT_EQ(wait(a, WaitReason::kDisk), 5020u - 2000 - 10);
  EXPECT_EQ(std::accumulate(a.ready_ns.begin(), a.ready_ns.end(), uint64_t{0}), 10u);
  EXPECT_EQ(sum_of(a), 6000u - 500);
  EXPECT_EQ(vm.idle_ns, 0u);
}

// A waits for its disk while B computes: the interrupt comes while the vCPU runs.
TEST(GuestProcess, one_that_waits_while_another_runs_waits_for_its_own_reason) {
  Guest guest;
  guest.on(0).enters(1000).exits(2000, kA).exits(3000, kB);
  guest.leaves(4000, kInterrupt, kB);
  guest.trace.on(7, Guest::kMain).accept(4005, 0);
  guest.on(0).enters(4020).leaves(5000, kInterrupt, kA);
  const auto a = of(guest.processes(), kA);
  EXPECT_EQ(wait(a, WaitReason::kDevice), 4005u - 2020);
  EXPECT_EQ(a.behind_ns, 4020u - 4005) << "awake, and not there yet";
  EXPECT_TRUE(a.wakers.empty());
}

TEST(GuestProcess, one_on_another_vcpu_is_the_waker_where_an_ipi_ends_the_halt) {
  Guest guest;
  guest.on(1).enters(900).exits(1000, kB).exits(4000, kB);
  guest.leaves(9000, kInterrupt, kB);
  guest.on(0).enters(910).exits(1000, kA);
  guest.halts(2000, kA, 5000, flow_waker(1, FLOW_WAKE_IPI));
  guest.leaves(6000, kInterrupt, kA);
  const auto vm = guest.processes();
  const auto& a = of(vm, kA);
  EXPECT_EQ(wait(a, WaitReason::kTask), 3010u);
  ASSERT_EQ(a.wakers.size(), 1u);
  EXPECT_EQ(vm.processes[a.wakers[0].process].key.cr3, kB);
}

TEST(GuestProcess, a_vcpu_that_only_ticks_between_halts_is_idle) {
  Guest guest;
  guest.on(0).enters(500).exits(1000, kA);
  for (uint64_t ns = 2000; ns < 20'000; ns += 2000)
    guest.halts(ns, kA, ns + 1000, flow_waker(101, FLOW_WAKE_OWN_INTERRUPT));
  guest.leaves(20'000, kInterrupt, kA);
  const auto vm = guest.processes();
  const auto& a = of(vm, kA);
  EXPECT_EQ(a.guest_ns(), 500u + 980 + 980) << "until its first halt, and after the last";
  EXPECT_EQ(vm.idle_ns, 8 * 980u);
  EXPECT_EQ(std::accumulate(a.ready_ns.begin(), a.ready_ns.end(), uint64_t{0}), 10u)
      << "what the vCPU waited for a CPU meanwhile is not its";
}

TEST(GuestProcess, roots_are_told_apart_by_their_address_alone) {
  // PCID in the low bits, the bit that keeps the TLB on top.
  EXPECT_EQ(root_mask({}) & 0x8000'0000'0012'3abc, 0x0012'3000u);
  // In user mode the upper root, in the kernel the lower one: the same process.
  std::vector<GuestSample> isolated = {{.cr3 = 0x3000, .cpl = 3}, {.cr3 = 0x2000, .cpl = 0}};
  EXPECT_EQ(root_mask(isolated) & 0x3fff, 0x2000u);
  isolated.push_back({.cr3 = 0x7000, .cpl = 0});
  EXPECT_EQ(root_mask(isolated) & 0x3fff, 0x3000u) << "a kernel in an upper root has but one";
  EXPECT_EQ(root_mask({{.cr3 = 0x3000, .cpl = 3}}) & 0x3fff, 0x3000u);
}

TEST(GuestProcess, threads_are_stacks_and_no_processes) {
  Guest guest;
  guest.on(0).enters(1000);
  for (uint64_t i = 0; i < 10; i++) {
    const uint64_t moved = 64 * i;  // within the stack
    guest.exits(2000 + 100 * i, kA, (i % 2 != 0 ? 0x7f00'0080'0000 : kUserStack) - moved);
  }
  const auto vm = guest.processes();
  ASSERT_EQ(vm.processes.size(), 1u);
  EXPECT_EQ(vm.processes[0].threads, 2u);
  EXPECT_EQ(vm.processes[0].thread_switches, 9u);
  EXPECT_EQ(vm.processes[0].preempted_by_threads, 0u);
}

// Two threads change at every second tick; what the kernel does between, on whichever stack, and a
// halt, after which another one may go on, are no switches.
TEST(GuestProcess, threads_that_preempt_one_another_do_so_after_a_tick) {
  constexpr uint64_t kOther = 0x7f00'0080'0000, kOfKernel = 0xffff'c900'0001'0000;
  Guest guest;
  guest.on(0).enters(1000);
  uint64_t ns = 2000;
  for (int i = 0; i < 8; i++, ns += 1000) {
    guest.leaves(ns, kInterrupt, kA, i / 2 % 2 != 0 ? kOther : kUserStack);
    guest.trace.accept(ns + 10, 0);
    guest.enters(ns + 20).exits(ns + 100, kA, kOfKernel);
  }
  guest.halts(ns, kA, ns + 500, flow_waker(101, FLOW_WAKE_OWN_INTERRUPT));
  guest.leaves(ns + 600, kInterrupt, kA, kUserStack);
  const auto a = of(guest.processes(), kA);
  EXPECT_EQ(a.thread_switches, 3u);
  EXPECT_EQ(a.preempted_by_threads, 3u);
}

// Interrupts of a CPU have a stack of their own, on which every process is seen.
TEST(GuestProcess, a_stack_of_several_processes_is_no_thread) {
  Guest guest;
  guest.on(0).enters(1000);
  const uint64_t irq_stack = 0xffff'8880'0000'3f00, own = 0xffff'c900'0001'0000;
  uint64_t ns = 2000;
  for (const auto cr3 : {kA, kB})
    for (const auto rsp : {irq_stack, own + cr3}) guest.exits(ns += 100, cr3, rsp);
  for (const auto& process : guest.processes().processes) EXPECT_EQ(process.threads, 1u);
}

TEST(GuestProcess, without_registers_there_are_none) {
  DrawnTrace trace;
  trace.on(0, Guest::kVcpus[0], Guest::kKvm).entry(100).exit(200, 0x72).entry(300);
  EXPECT_TRUE(guest_processes(replay(trace.events)).empty());
}

TEST(GuestProcess, more_than_can_be_kept_are_counted) {
  Guest guest;
  guest.on(0).enters(1000);
  const uint64_t many = GuestProcessPlaces::kMost + 10;
  for (uint64_t i = 0; i < many; i++) guest.exits(2000 + 100 * i, (i + 1) << 12);
  const auto vm = guest.processes();
  EXPECT_EQ(vm.processes.size(), GuestProcessPlaces::kMost);
  EXPECT_EQ(vm.left_out, 10u);
  EXPECT_EQ(vm.untold_ns, 10 * 80u);
}

// Whatever the guest does: its time is that of its processes, and a process alone on a vCPU is
// followed without a gap.
TEST(GuestProcess, contention_is_the_share_in_which_another_one_waits) {
  VmProcesses vm;
  vm.processes.resize(2);
  vm.processes[0].certain_ns = 600;
  vm.processes[0].sampled_ns = 100;
  vm.processes[0].behind_ns = 100;
  vm.processes[1].certain_ns = 300;
  vm.processes[1].behind_ns = 400;
  ASSERT_TRUE(contention_of(vm));
  EXPECT_DOUBLE_EQ(contention_of(vm)->behind_share, 0.5);
  vm.processes[1].behind_ns = 9000;
  EXPECT_DOUBLE_EQ(contention_of(vm)->behind_share, 1) << "several wait at once";
  vm.processes[0].sampled_ns = 20000;
  EXPECT_FALSE(contention_of(vm)) << "nearly all of it is a guess";
  EXPECT_FALSE(contention_of({}));
}

TEST(GuestProcess, time_is_conserved_through_any_life) {
  for (uint32_t seed = 1; seed <= 20; seed++) {
    std::mt19937 random(seed);
    Guest guest;
    guest.on(0).enters(1000);
    uint64_t ns = 2000;
    for (int i = 0; i < 500; i++, ns += 100 + random() % 1000) {
      const uint64_t cr3 = random() % 2 != 0 ? kA : kB;
      const auto kind = static_cast<flow_wake_kind>(random() % FLOW_WAKE_KINDS);
      switch (random() % 3) {
        case 0:
          guest.ticks(ns, cr3);
          break;
        case 1:
          guest.exits(ns, cr3);
          break;
        default:
          guest.halts(ns, cr3, ns + 50, flow_waker(0, kind));
          ns += 100;
      }
    }
    auto events = guest.trace.events;
    std::ranges::stable_sort(events, {}, &Event::ns);
    const auto result = replay(events, {.outs_told = true});
    const auto vm = guest_processes(result).at(0);
    EXPECT_EQ(vm.guest_ns(), flow_of(result, 101).ns[FLOW_GUEST]);
    for (const auto& process : vm.processes)
      EXPECT_EQ(sum_of(process), process.last_ns - process.first_ns) << seed;
  }
}

}  // namespace vmflow::test
