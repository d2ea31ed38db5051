// SPDX-License-Identifier: GPL-2.0-only
// What threads did, drawn switch by switch.
#include "analysis/thread_flow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

using Lines = std::vector<std::string>;

const DrawnThread kA{11, 11, comm_of("A")}, kB{12, 12, comm_of("B")}, kC{13, 13, comm_of("C")};
const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")};

ThreadLives lives_of(const std::vector<Event>& events, ThreadFlowOptions options = {}) {
  ThreadFlow flow(options);
  for (const auto& event : events) flow.step(event);
  return std::move(flow).finish();
}

/// "runs 100-200", "ready <12 200-300", "asleep <12 300-400", "asleep <irq 400-500".
Lines life_of(const ThreadLives& lives, const DrawnThread& thread) {
  Lines lines;
  for (const auto& life : lives.threads)
    if (life.tid == thread.tid)
      for (const auto& each : life.stretches) {
        std::string what = each.state == ThreadState::kRunning ? "runs"
                           : each.state == ThreadState::kReady ? "ready"
                                                               : "asleep";
        if (each.other != 0) what += fmt::format(" <{}", each.other);
        if (each.by_interrupt) what += " <irq";
        lines.push_back(fmt::format("{} {}-{}", what, each.begin_ns, each.end_ns));
      }
  return lines;
}

}  // namespace

// CPU 0:   100 A   200 B (A sleeps)            500 A (B preempted)   700 B (A sleeps)   800 ends
// CPU 1:               300 C wakes A
TEST(ThreadFlow, thread_sleeps_until_it_is_woken_and_waits_behind_who_has_the_cpu) {
  DrawnTrace trace;
  trace.on(0, kIdle).to(100, kA, 0).to(200, kB, 1);
  trace.on(1, kC).wakes(300, kA, 0);
  trace.on(0, kB).to(500, kA, 0).to(700, kB, 1);
  trace.on(1, kC).wakes(800, kIdle, 1);
  const auto lives = lives_of(trace.events);
  EXPECT_EQ(life_of(lives, kA), (Lines{"runs 100-200", "asleep <13 200-300", "ready <12 300-500",
                                       "runs 500-700", "asleep 700-800"}));
  EXPECT_EQ(life_of(lives, kB), (Lines{"runs 200-500", "ready <11 500-700", "runs 700-800"}));
}

TEST(ThreadFlow, thread_that_waits_behind_several_is_told_of_each) {
  DrawnTrace trace;
  trace.on(0, kIdle).to(100, kA, 0);
  trace.to(200, kB, 0).to(300, kC, 1).to(450, kIdle, 1).to(500, kA, 0);
  EXPECT_EQ(life_of(lives_of(trace.events), kA),
            (Lines{"runs 100-200", "ready <12 200-300", "ready <13 300-450", "ready 450-500"}));
}

TEST(ThreadFlow, thread_that_moves_waits_behind_others_from_then_on) {
  DrawnTrace trace;
  trace.on(1, kIdle).to(50, kC, 0);
  trace.on(0, kIdle).to(100, kA, 0).to(200, kB, 0);
  trace.at(300, MigrateEvent{.tid = kA.tid, .from_cpu = 0, .to_cpu = 1});
  trace.on(1, kC).to(600, kA, 1);
  EXPECT_EQ(life_of(lives_of(trace.events), kA),
            (Lines{"runs 100-200", "ready <12 200-300", "ready <13 300-600"}));
}

TEST(ThreadFlow, wake_up_out_of_an_interrupt_is_nobodys) {
  for (const bool idles : {false, true}) {
    DrawnTrace trace;
    trace.on(1, kIdle).to(50, idles ? kIdle : kC, 0);
    trace.on(0, kIdle).to(100, kA, 0).to(200, kB, 1);
    trace.on(1, idles ? kIdle : kC);
    if (!idles) trace.at(300, IrqEvent{true});
    trace.wakes(310, kA, 0);
    if (!idles) trace.at(320, IrqEvent{false});
    trace.on(0, kB).to(400, kA, 0);
    EXPECT_EQ(life_of(lives_of(trace.events), kA),
              (Lines{"runs 100-200", "asleep <irq 200-310", "ready <12 310-400"}));
  }
}

// A device's interrupt takes a vCPU out of its guest; the soft interrupt that follows it wakes A.
// One that left to write to a device itself has woken A.
TEST(ThreadFlow, vcpu_that_left_for_an_interrupt_wakes_nobody) {
  struct Case {
    uint32_t isa, code;
    const char* sleep;
  };
  for (const auto& one : {Case{FLOW_ISA_SVM, 0x60, "asleep <irq 200-310"},
                          Case{FLOW_ISA_VMX, 1, "asleep <irq 200-310"},
                          Case{FLOW_ISA_SVM, 0x7b, "asleep <101 200-310"},
                          Case{FLOW_ISA_VMX, 30, "asleep <101 200-310"}}) {
    DrawnTrace trace;
    trace.on(1, kVcpu).at(60, EntryEvent{});
    trace.on(0, kIdle).to(100, kA, 0).to(200, kB, 1);
    trace.on(1, kVcpu).at(300, ExitEvent{.code = one.code, .isa = one.isa, .vcpu_id = {}});
    trace.wakes(310, kA, 0).at(320, EntryEvent{});
    EXPECT_EQ(life_of(lives_of(trace.events), kA)[1], one.sleep) << one.code;
  }
}

TEST(ThreadFlow, what_lost_events_would_have_told_is_not_told) {
  DrawnTrace trace;
  trace.on(0, kIdle).to(100, kA, 0);
  // A's switch to B is lost: who had the CPU from 100 to 500, nobody knows.
  trace.on(0, kB).to(500, kC, 1).to(600, kA, 1);
  const auto lives = lives_of(trace.events);
  EXPECT_EQ(life_of(lives, kA), Lines{});
  EXPECT_EQ(life_of(lives, kB), Lines{"asleep 500-600"});
  EXPECT_EQ(life_of(lives, kC), (Lines{"runs 500-600"}));
}

TEST(ThreadFlow, second_wake_up_of_a_sleep_changes_nothing) {
  DrawnTrace trace;
  trace.on(0, kIdle).to(100, kA, 0).to(200, kB, 1);
  trace.on(1, kC).wakes(300, kA, 0).wakes(350, kA, 0);
  trace.on(0, kB).wakes(400, kA, 0).to(500, kA, 0);
  EXPECT_EQ(life_of(lives_of(trace.events), kA),
            (Lines{"runs 100-200", "asleep <13 200-300", "ready <12 300-500"}));
}

// The ring notes a switch if it concerns a vCPU. While the vCPU waits, from 300 to 500, all are.
TEST(ThreadFlow, ring_tells_of_a_task_only_while_a_vcpu_waits_for_its_cpu) {
  DrawnTrace trace;
  trace.on(0, kVcpu).at(100, EntryEvent{});
  trace.to(200, kA, 1);
  trace.on(1, kB).wakes(300, kVcpu, 0);
  trace.on(0, kA).to(400, kC, 1).to(500, kVcpu, 0);
  trace.to(600, kA, 1).to(700, kVcpu, 1);
  const auto lives = lives_of(trace.events, {.has_all_switches = false});
  EXPECT_EQ(life_of(lives, kA), Lines{"runs 300-400"});
  EXPECT_EQ(life_of(lives, kC), Lines{"runs 400-500"});
  EXPECT_EQ(life_of(lives, kVcpu), (Lines{"runs 100-200", "asleep <12 200-300", "ready <11 300-400",
                                          "ready <13 400-500", "runs 500-600", "asleep 600-700"}));
}

TEST(ThreadFlow, kernel_side_tells_of_a_vcpu_that_an_interrupt_woke_it) {
  DrawnTrace trace;
  trace.on(0, kVcpu).at(100, EntryEvent{}).to(200, kIdle, 1);
  trace.on(1, kB).wakes(300, kVcpu, 0);
  trace.at(300, WakeEvent{kVcpu.tid, flow_waker(kB.tid, FLOW_WAKE_HARDIRQ)});
  const auto lives = lives_of(trace.events, {.has_all_switches = false});
  EXPECT_EQ(life_of(lives, kVcpu)[1], "asleep <irq 200-300");
}

TEST(ThreadFlow, of_whatever_events_is_in_order_and_bounded) {
  for (uint32_t seed = 0; seed < 50; seed++) {
    std::mt19937 random(seed);
    DrawnTrace trace;
    const auto any = [&] { return DrawnThread{static_cast<uint32_t>(random() % 5), 0, {}}; };
    for (uint64_t ns = 100; ns < 20'000; ns += random() % 40) {
      const uint64_t at = random() % 10 == 0 ? ns - random() % 90 : ns;
      trace.on(random() % 3, any());
      switch (random() % 8) {
        case 0:
          trace.wakes(at, any(), random() % 4);
          break;
        case 1:
          trace.at(at, MigrateEvent{any().tid, 0, static_cast<uint32_t>(random() % 9000)});
          break;
        case 2:
          trace.at(at, IrqEvent{random() % 2 == 0});
          break;
        case 3:
          trace.exit(at, random() % 2 == 0 ? 0x60 : 0x78);
          break;
        case 4:
          trace.at(at, WakeEvent{any().tid, random()});
          break;
        case 5:
          trace.at(at, ThreadExitEvent{any().tid});
          break;
        default:
          trace.to(at, any(), random() % 2);
      }
    }
    const auto lives = lives_of(
        trace.events, {.has_all_switches = seed % 2 == 0, .max_stretches = 100, .max_threads = 4});
    size_t stretches = 0;
    for (const auto& life : lives.threads) {
      uint64_t at_ns = 0;
      for (const auto& each : life.stretches) {
        EXPECT_LE(at_ns, each.begin_ns);
        EXPECT_LT(each.begin_ns, each.end_ns);
        at_ns = each.end_ns;
      }
      stretches += life.stretches.size();
    }
    EXPECT_LE(stretches, 100u);
    EXPECT_LE(lives.threads.size(), 4u);
    EXPECT_GT(lives.left_out, 0u);
  }
}

}  // namespace vmflow::test
