// SPDX-License-Identifier: GPL-2.0-only
// The states of a vCPU and the reasons of its waits, row by row as the thesis has them (values of
// VSD, W2A and ASD; see thesis_tables_test.cpp for which row is which test).
//
// Where a vCPU was off its CPU, the thesis names all of the time up to its switch-in; here a wait
// ends with its wake-up, and what follows is ready time.
#include <gtest/gtest.h>

#include "tests/analysis/thesis_row.h"

namespace vmflow::test {
namespace {

const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")}, kSibling{102, 100, comm_of("CPU 1/KVM")};
const DrawnThread kMain{100, 100, comm_of("qemu")}, kVhost{103, 100, comm_of("vhost-100")};
const DrawnThread kOther{201, 200, comm_of("CPU 0/KVM")}, kTask{300, 300, comm_of("make")};
const EventData kIrqBegins = IrqEvent{.begins = true}, kIrqEnds = IrqEvent{.begins = false};

class ThesisStates : public testing::TestWithParam<ExitWords> {
 protected:
  const ExitWords& words = GetParam();

  /// 500 entry, 1000 HLT, 1010 out, 5000 woken by `wake`, 5010 in, 5020 takes in an interrupt if
  /// `accepts`, 5030 entry, 6000 exit.
  template <typename Wake>
  std::vector<Event> halt(Wake wake, bool accepts = false) const {
    DrawnTrace trace;
    trace.on(0, kVcpu).at(500, EntryEvent{0}).at(1000, words.exit(words.halt, 0));
    trace.to(1010, kIdle, 1);
    wake(trace);
    trace.on(0, kIdle).to(5010, kVcpu, 0);
    if (accepts) trace.accept(5020, 0);
    trace.at(5030, EntryEvent{0}).at(6000, words.exit(words.cpuid, 0));
    return in_order(trace.events);
  }
  static Lines halted_for(const std::string& reason) {
    return {"500-1000 guest",       "1000-1010 kvm", "1010-5000 halted " + reason,
            "5000-5010 ready none", "5010-5030 kvm", "5030-6000 guest"};
  }
  /// By the interrupt `vector` that `giver`, on another CPU, has sent just before.
  static auto given_by(const DrawnThread& giver, uint32_t vector) {
    return [=](DrawnTrace& trace) {
      trace.on(3, kIdle).to(4900, giver, 0);
      trace.at(4990, AcceptEvent{.vcpu_id = 0, .vector = vector, .delivery = 0});
      trace.wakes(5000, kVcpu, 0);
    };
  }
  static void by_host_interrupt(DrawnTrace& trace) {
    trace.on(3, kTask).at(4990, kIrqBegins).wakes(5000, kVcpu, 0).at(5005, kIrqEnds);
  }
  static uint64_t waited_ns(const ReplayResult& result) {
    const vcpu_flow& flow = flow_of(result, kVcpu.tid);
    return std::accumulate(std::begin(flow.wait_ns), std::end(flow.wait_ns), uint64_t{0});
  }
};

}  // namespace

// Values 1 and 2, and the histogram of exits.
TEST_P(ThesisStates, an_exit_begins_root_time_and_an_entry_ends_it) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.cpuid)).entry(2100);
  trace.at(3000, words.exit(words.cpuid)).entry(3050).at(4000, words.exit(words.msr)).entry(4010);
  expect_row(trace.events, kVcpu,
             {"1000-2000 guest", "2000-2100 kvm", "2100-3000 guest", "3000-3050 kvm",
              "3050-4000 guest", "4000-4010 kvm"});
  const auto result = replay(trace.events);
  const vcpu_flow& flow = flow_of(result, kVcpu.tid);
  EXPECT_EQ(flow.exits[words.cpuid].count, 2u);
  EXPECT_EQ(flow.exits[words.cpuid].ns, 100u + 50u);
  EXPECT_EQ(flow.exits[words.msr].count, 1u);
  EXPECT_EQ(flow.exits[words.msr].ns, 10u);
}

// Values 3, 16 and 17: a task of the host takes the CPU, then another VM.
TEST_P(ThesisStates, a_vcpu_that_loses_its_cpu_after_any_exit_but_hlt_is_preempted) {
  for (const uint32_t code : {words.cpuid, words.io, words.interrupt, words.msr, words.fault}) {
    DrawnTrace trace;
    trace.on(8, kOther).entry(100).on(9, kTask).to(200, kIdle, 1);
    trace.on(0, kVcpu).entry(1000).at(2000, words.exit(code));
    trace.to(2010, kTask, 0).to(3000, kVcpu, 0).entry(3020).at(4000, words.exit(code));
    trace.to(4010, kOther, 0).to(5000, kVcpu, 0).entry(5020);
    expect_row(trace.events, kVcpu,
               {"1000-2000 guest", "2000-2010 kvm", "2010-3000 ready host_task make",
                "3000-3020 kvm", "3020-4000 guest", "4000-4010 kvm",
                "4010-5000 ready other_vm CPU 0/KVM", "5000-5020 kvm"});
    EXPECT_EQ(waited_ns(replay(trace.events)), 0u);
  }
}

// The same without an exit: it is told only when the vCPU is back.
TEST_P(ThesisStates, a_guest_that_loses_its_cpu_is_preempted_before_its_exit_is_told) {
  DrawnTrace trace;
  trace.on(9, kTask).to(200, kIdle, 1);
  trace.on(0, kVcpu).entry(1000).to(2000, kTask, 0).to(3000, kVcpu, 0);
  trace.at(3010, words.exit(words.interrupt)).entry(3020);
  expect_row(trace.events, kVcpu,
             {"1000-2000 guest", "2000-3000 ready host_task make", "3000-3020 kvm"});
}

// The thesis goes by the last exit alone and calls this idle.
TEST_P(ThesisStates, a_vcpu_that_could_go_on_after_hlt_is_preempted_and_not_idle) {
  DrawnTrace trace;
  trace.on(9, kTask).to(200, kIdle, 1);
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.halt));
  trace.to(2010, kTask, 0).to(3000, kVcpu, 0).entry(3020);
  expect_row(
      trace.events, kVcpu,
      {"1000-2000 guest", "2000-2010 kvm", "2010-3000 ready host_task make", "3000-3020 kvm"});
}

// Values 5 and 15.
TEST_P(ThesisStates, a_nested_guest_that_loses_its_cpu_is_preempted_with_its_vcpu) {
  DrawnTrace trace;
  trace.on(9, kTask).to(200, kIdle, 1);
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.runs_guest));
  trace.at(2010, NestedEnterEvent{.vmcb12 = 0x7f000, .root = 0x8000}).entry(2020);
  trace.at(3000, words.exit(words.interrupt)).at(3005, NestedExitEvent{});
  trace.to(3010, kTask, 0).to(4000, kVcpu, 0).entry(4020).at(5000, words.exit(words.cpuid));
  expect_row(trace.events, kVcpu,
             {"1000-2000 guest", "2000-2020 kvm", "2020-3000 guest_nested", "3000-3010 kvm",
              "3010-4000 ready host_task make", "4000-4020 kvm", "4020-5000 guest_nested"});
}

// Value 6. Whatever its vector: 251, 252 and 253 are the thesis', 236 is another one's timer.
TEST_P(ThesisStates, a_halt_that_a_siblings_interrupt_ends_waits_for_a_task) {
  for (const uint32_t vector : {251u, 252u, 253u, 236u}) {
    const auto events = halt([&](DrawnTrace& trace) {
      trace.on(3, kSibling).at(4900, EntryEvent{1}).at(4980, words.exit(words.msr, 1));
      trace.at(4990, AcceptEvent{.vcpu_id = 0, .vector = vector, .delivery = 0});
      trace.wakes(5000, kVcpu, 0).at(5005, EntryEvent{1});
    });
    expect_row(events, kVcpu, halted_for("task"));
    const auto wakers = replay(events).snapshot.wakers;
    ASSERT_EQ(wakers.size(), 1u);
    EXPECT_EQ(wakers[0].key.by_vcpu, 1u);
    EXPECT_EQ(wakers[0].value.ns, 3990u);
  }
}

// Value 7. The host's timer wakes the vCPU, which then takes in the interrupt that it has set.
TEST_P(ThesisStates, a_halt_that_the_vcpus_own_timer_ends_waits_for_the_timer) {
  expect_row(halt(by_host_interrupt, true), kVcpu, halted_for("timer"));
}

// Value 8. What vmflow's ring tells; without it, that some device of the VMM was waited for.
TEST_P(ThesisStates, a_halt_that_a_completed_disk_request_ends_waits_for_the_disk) {
  const auto told = halt([](DrawnTrace& trace) {
    trace.on(3, kMain).accept(4990, 0).wakes(5000, kVcpu, 0);
    trace.at(5000, WakeEvent{kVcpu.tid, flow_waker(kMain.tid, FLOW_WAKE_VMM_DISK)});
  });
  expect_row(told, kVcpu, halted_for("disk"));
  expect_row(halt(given_by(kMain, 33)), kVcpu, halted_for("device"));
}

// Value 9. A vhost worker is told by its name alone; a VMM's own thread by what it has read.
TEST_P(ThesisStates, a_halt_that_a_packet_ends_waits_for_the_network) {
  expect_row(halt(given_by(kVhost, 34)), kVcpu, halted_for("net"));
  const auto told = halt([](DrawnTrace& trace) {
    trace.on(3, kMain).accept(4990, 0).wakes(5000, kVcpu, 0);
    trace.at(5000, WakeEvent{kVcpu.tid, flow_waker(kMain.tid, FLOW_WAKE_VMM_NET)});
  });
  expect_row(told, kVcpu, halted_for("net"));
}

// Values 10 and 11.
TEST_P(ThesisStates, a_sleep_that_nothing_has_ended_has_no_reason) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(500).at(1000, words.exit(words.halt)).to(1010, kIdle, 1);
  trace.on(3, kTask).to(5000, kIdle, 1);
  expect_row(trace.events, kVcpu, {"500-1000 guest", "1000-1010 kvm", "1010-5000 halted"});
}

// Value 0. A vector that is not known; also an on-CPU period without any interrupt, which the
// thesis' windows call a wait for the timer.
TEST_P(ThesisStates, a_halt_without_an_interrupt_after_its_wakeup_is_an_unknown_wait) {
  expect_row(halt(by_host_interrupt), kVcpu, halted_for("unknown"));
  expect_row(halt([](DrawnTrace& trace) { trace.on(3, kMain).wakes(5000, kVcpu, 0); }), kVcpu,
             halted_for("unknown"));
}

// A timer as the first interrupt of a vCPU whose last exit was not HLT.
TEST_P(ThesisStates, a_timer_after_a_preemption_is_no_wait_for_the_timer) {
  DrawnTrace trace;
  trace.on(9, kTask).to(200, kIdle, 1);
  trace.on(0, kVcpu).at(1000, EntryEvent{0}).at(2000, words.exit(words.interrupt, 0));
  trace.to(2010, kTask, 0).to(3000, kVcpu, 0).accept(3010, 0).at(3020, EntryEvent{0});
  expect_row(
      trace.events, kVcpu,
      {"1000-2000 guest", "2000-2010 kvm", "2010-3000 ready host_task make", "3000-3020 kvm"});
  EXPECT_EQ(waited_ns(replay(trace.events)), 0u);
}

// The reason of one sleep is not the next one's: reason_set is taken back at each switch-out.
TEST_P(ThesisStates, each_sleep_has_the_reason_of_its_own_end) {
  auto events = halt(given_by(kVhost, 34));
  DrawnTrace later;
  later.on(0, kVcpu).at(7000, EntryEvent{0}).at(8000, words.exit(words.halt, 0));
  later.to(8010, kIdle, 1).on(3, kTask).at(8990, kIrqBegins).wakes(9000, kVcpu, 0);
  later.at(9005, kIrqEnds).on(0, kIdle).to(9010, kVcpu, 0).accept(9020, 0);
  later.at(9030, EntryEvent{0});
  events.insert(events.end(), later.events.begin(), later.events.end());
  auto expected = halted_for("net");
  for (const char* line : {"6000-7000 kvm", "7000-8000 guest", "8000-8010 kvm",
                           "8010-9000 halted timer", "9000-9010 ready none", "9010-9030 kvm"})
    expected.push_back(line);
  expect_row(events, kVcpu, expected);
}

// A sleep whose last exit was another one: the thesis has no state for it.
TEST_P(ThesisStates, a_sleep_after_a_fault_is_no_halt) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(500).at(1000, words.exit(words.fault)).to(1010, kIdle, 2);
  trace.on(3, kTask).wakes(5000, kVcpu, 0).on(0, kIdle).to(5010, kVcpu, 0).entry(5030);
  expect_row(trace.events, kVcpu,
             {"500-1000 guest", "1000-1010 kvm", "1010-5000 vmm_blocked memory",
              "5000-5010 ready none", "5010-5030 kvm"});
}

// Values 20 to 23, 238, 239 and 251 to 253: the counters of injections.
TEST_P(ThesisStates, every_interrupt_that_a_vcpu_is_given_is_kept_with_its_giver) {
  DrawnTrace trace;
  trace.on(3, kSibling).at(500, EntryEvent{1});
  trace.on(0, kVcpu).at(500, EntryEvent{0}).at(1000, words.exit(words.interrupt, 0));
  trace.accept(1010, 0).at(1020, EntryEvent{0});
  trace.on(4, kIdle).to(1100, kVhost, 0).accept(2000, 0);
  trace.on(5, kIdle).to(1100, kMain, 0).accept(3000, 0);
  trace.on(3, kSibling).at(3900, words.exit(words.msr, 1)).accept(4000, 0);
  trace.on(0, kVcpu).at(5000, words.exit(words.cpuid, 0));
  const auto result = replay(in_order(trace.events));
  Lines given;
  for (const auto& each : vcpu_of(result, kVcpu.tid).interrupts)
    given.push_back(
        fmt::format("{} {} by {}", each.ns, wait_reason_name(wait_reason(each.kind)), each.by));
  EXPECT_EQ(given, (Lines{"1010 timer by 101", "2000 net by 103", "3000 device by 100",
                          "4000 task by 1"}));
}

TEST_P(ThesisStates, a_lost_wakeup_makes_all_of_the_absence_a_wait) {
  auto events = halt(given_by(kVhost, 34));
  std::erase_if(events, [](const Event& e) { return std::holds_alternative<WakingEvent>(e.data); });
  const auto result = replay(events);
  EXPECT_EQ(states_of(result, kVcpu),
            (Lines{"500-1000 guest", "1000-1010 kvm", "1010-5010 halted unknown", "5010-5030 kvm",
                   "5030-6000 guest"}));
  EXPECT_EQ(flow_of(result, kVcpu.tid).anomaly[FLOW_WAKEUP_MISSING], 1u);
}

TEST_P(ThesisStates, a_wakeup_that_comes_behind_the_switch_in_is_as_good_as_lost) {
  auto events = halt(given_by(kVhost, 34));
  const auto wake = std::ranges::find_if(
      events, [](const Event& e) { return std::holds_alternative<WakingEvent>(e.data); });
  std::rotate(wake, wake + 1, wake + 2);
  const auto result = replay(events);
  EXPECT_EQ(states_of(result, kVcpu)[2], "1010-5010 halted unknown");
  EXPECT_EQ(result.anomalies[static_cast<size_t>(ReplayAnomaly::kOutOfOrder)], 1u);
  expect_conserved(result);
}

INSTANTIATE_TEST_SUITE_P(Thesis, ThesisStates, both_vendors(), vendor_of);

}  // namespace vmflow::test
