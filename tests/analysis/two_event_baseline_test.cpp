// SPDX-License-Identifier: GPL-2.0-only
// 2EA and vmflow over the same events: what is root, non-root and off the CPU is the same, to the
// nanosecond.
#include "tests/analysis/two_event_baseline.h"

#include <gtest/gtest.h>

#include "analysis/open_interval.h"
#include "tests/analysis/drawn_crowd.h"
#include "tests/analysis/drawn_life.h"

namespace vmflow::test {
namespace {

const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")}, kOther{201, 200, comm_of("CPU 0/KVM")};
const DrawnThread kMain{100, 100, comm_of("qemu")}, kTask{300, 300, comm_of("make")};

/// Both analyses of one trace.
struct Both {
  explicit Both(const std::vector<Event>& events) : ours(replay(events)) {
    for (const auto& event : events) baseline.step(event);
  }
  /// Where both count a vCPU: from 2EA's first event to the end of vmflow's ledger.
  std::pair<uint64_t, uint64_t> window(size_t i) const {
    const vcpu_slot& slot = ours.snapshot.slots[i].slot;
    return {std::max<uint64_t>(baseline.first_ns(ours.vcpus[i].tid), slot.flow.first_ns),
            slot.end.thread_exit_ns != 0 ? slot.end.thread_exit_ns : ours.last_ns};
  }
  RootTimes vmflow(size_t i) const {
    const auto [begin_ns, end_ns] = window(i);
    return root_times(ours.vcpus[i], begin_ns, end_ns);
  }
  RootTimes two_event(size_t i) const {
    const auto [begin_ns, end_ns] = window(i);
    return baseline.within(tid(i), begin_ns, end_ns);
  }
  /// vmflow's counters from the first event on, as a look at the end of the trace reads them.
  RootTimes counters(size_t i) const {
    const VcpuReading reading = read_vcpu(ours.snapshot.slots[i].slot, ours.last_ns);
    RootTimes times{.root = reading.held_back_ns};
    for (uint32_t state = 0; state <= FLOW_UNKNOWN; state++)
      times.*root_time_of(static_cast<flow_state>(state)) += reading.totals.ns[state];
    return times;
  }
  uint32_t tid(size_t i) const { return ours.vcpus[i].tid; }

  ReplayResult ours;
  TwoEventBaseline baseline;
};

void expect_both(const std::vector<Event>& events, const RootTimes& expected) {
  const Both both(events);
  ASSERT_FALSE(both.ours.vcpus.empty());
  EXPECT_EQ(both.two_event(0), expected);
  EXPECT_EQ(both.vmflow(0), expected);
  EXPECT_EQ(both.counters(0), expected);
}

class TwoEvents : public testing::TestWithParam<ExitWords> {
 protected:
  const ExitWords& words = GetParam();
};

/// Shape: what the lives so far have had in them, so that none of it is missing.
struct Seen {
  uint64_t lives = 0;
  std::array<uint64_t, FLOW_STATES + 1> state_ns{};
};

/// All vCPUs of a trace that contradicts itself nowhere. `begins_alike`: with an entry or an exit.
void expect_equal(const std::vector<Event>& events, Seen& seen) {
  const Both both(events);
  for (size_t i = 0; i < both.ours.vcpus.size(); i++) {
    const vcpu_flow& flow = both.ours.snapshot.slots[i].slot.flow;
    const RootTimes ours = both.vmflow(i);
    EXPECT_EQ(ours, both.two_event(i)) << "thread " << both.tid(i);
    EXPECT_EQ(both.counters(i), ours) << "the window is the whole life";
    EXPECT_EQ(ours.unaccounted, 0u);
    EXPECT_EQ(ours.sum(), both.window(i).second - flow.first_ns);
    for (const auto anomaly : flow.anomaly) EXPECT_EQ(anomaly, 0u);
    for (const auto& interval : both.ours.vcpus[i].intervals)
      seen.state_ns[interval.state] += interval.end_ns - interval.begin_ns;
    seen.lives++;
  }
}

}  // namespace

// 1000 entry, 2000 exit, 2100 entry: non-root 1000 and, to the end, 900; root 100.
TEST_P(TwoEvents, count_exits_and_entries_alike) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.cpuid)).entry(2100);
  trace.at(3000, words.exit(words.cpuid));
  expect_both(trace.events, {.root = 100, .non_root = 1000 + 900});
}

// 1000 entry, 2000 HLT, 2010 out, 5000 woken, 5010 in, 5030 entry, 6000 exit: off CPU 2010-5010,
// of which vmflow calls 10 ready.
TEST_P(TwoEvents, count_a_halt_and_the_wait_after_it_as_off_the_cpu) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.halt)).to(2010, kIdle, 1);
  trace.on(3, kMain).wakes(5000, kVcpu, 0).on(0, kIdle).to(5010, kVcpu, 0).entry(5030);
  trace.at(6000, words.exit(words.cpuid));
  expect_both(trace.events, {.root = 10 + 20, .non_root = 1000 + 970, .off_cpu = 3000});
}

// KVM polls for 250 of the 300 that it has after the HLT: on the CPU, so root.
TEST_P(TwoEvents, count_halt_polling_as_root) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.halt)).to(2300, kIdle, 1);
  trace.on(3, kMain).wakes(5000, kVcpu, 0).on(0, kIdle).to(5010, kVcpu, 0);
  trace.at(5020, HaltEndEvent{.halt_ns = 3000, .polled_ns = 250, .waited = true, .valid = true});
  trace.entry(5030);
  expect_both(trace.events, {.root = 300 + 20, .non_root = 1000, .off_cpu = 2710});
}

// 2000 preempted in the guest, 3000 in, 3010 exit, 3020 entry; 4000 exit, 4010 preempted by another
// VM, 4500 in, 4510 entry.
TEST_P(TwoEvents, count_preemption_as_off_the_cpu_with_and_without_an_exit) {
  DrawnTrace trace;
  trace.on(8, kOther).entry(500).on(0, kVcpu).entry(1000).to(2000, kTask, 0).to(3000, kVcpu, 0);
  trace.at(3010, words.exit(words.interrupt)).entry(3020).at(4000, words.exit(words.io));
  trace.to(4010, kOther, 0).to(4500, kVcpu, 0).entry(4510).at(5000, words.exit(words.cpuid));
  const Both both(trace.events);
  ASSERT_EQ(both.tid(1), kVcpu.tid);
  const RootTimes expected{
      .root = 20 + 10 + 10, .non_root = 1000 + 980 + 490, .off_cpu = 1000 + 490};
  EXPECT_EQ(both.two_event(1), expected);
  EXPECT_EQ(both.vmflow(1), expected);
}

// 2100 the VMM works, 2200 it sleeps, 2900 it is woken, 2950 it runs, 3100 KVM_RUN, 3120 entry.
TEST_P(TwoEvents, count_the_vmm_as_root_while_it_runs) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.io)).at(2100, UserspaceExitEvent{2, 0});
  trace.to(2200, kTask, 1).on(3, kMain).wakes(2900, kVcpu, 0).on(0, kTask).to(2950, kVcpu, 1);
  trace.at(3100, RunEvent{}).entry(3120);
  expect_both(trace.events, {.root = 200 + 170, .non_root = 1000, .off_cpu = 750});
}

// 2020 into L2, 3000 an exit that L0 handles, 4000 one that L1 gets, 4010 into L1.
TEST_P(TwoEvents, count_all_levels_of_guests_as_non_root) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).at(2000, words.exit(words.runs_guest));
  trace.at(2010, NestedEnterEvent{.vmcb12 = 0x7f000, .root = 8}).entry(2020);
  trace.at(3000, words.exit(words.cpuid)).at(3001, NestedExitEvent{}).entry(3010);
  trace.at(4000, words.exit(words.msr)).at(4001, NestedExitEvent{});
  trace.at(4002, NestedReflectEvent{words.msr}).entry(4010).at(5000, words.exit(words.cpuid));
  expect_both(trace.events, {.root = 20 + 10 + 10, .non_root = 1000 + 980 + 990 + 990});
}

TEST_P(TwoEvents, agree_on_thousands_of_lives_on_shared_cpus) {
  Seen seen;
  for (uint32_t seed = 0; seed < 300 && !HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    const CrowdOptions options{.words = words, .told = seed % 2 == 0, .may_end = seed % 3 == 0};
    expect_equal(DrawnCrowd(seed, options).events(600), seen);
  }
  EXPECT_EQ(seen.lives, 300u * 6);
  for (uint32_t state = 0; state < FLOW_STATES; state++)
    EXPECT_GT(seen.state_ns[state], 0u) << "no " << state_name(static_cast<flow_state>(state)).name;
}

INSTANTIATE_TEST_SUITE_P(Thesis2ea, TwoEvents, both_vendors(), vendor_of);

TEST(TwoEventBaseline, agrees_on_lives_on_cpus_of_their_own) {
  Seen seen;
  for (uint32_t seed = 0; seed < 400 && !testing::Test::HasFailure(); seed++) {
    SCOPED_TRACE(seed);
    expect_equal(DrawnLife(seed, seed % 2 == 0).events(300), seen);
  }
  EXPECT_EQ(seen.lives, 400u * DrawnLife::kVcpus);
}

// The differences by definition, each to the nanosecond.

// 500 KVM_RUN, 1000 entry: vmflow alone knows of the 500 before.
TEST(TwoEventBaseline, knows_nothing_of_a_vcpu_before_its_first_entry_or_exit) {
  DrawnTrace trace;
  trace.on(0, kVcpu).at(500, RunEvent{}).entry(1000).exit(2000, 0x72);
  const Both both(trace.events);
  EXPECT_EQ(both.two_event(0), (RootTimes{.non_root = 1000}));
  EXPECT_EQ(both.vmflow(0), both.two_event(0));
  EXPECT_EQ(both.counters(0), (RootTimes{.root = 500, .non_root = 1000}));
}

// 2010 out for HLT, its switch-in is lost, 5000 entry: from 2010 on 2EA believes the switch-out.
TEST(TwoEventBaseline, believes_what_contradicts_the_next_event) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).exit(2000, 0x78).to(2010, kIdle, 1);
  trace.on(0, kVcpu).entry(5000).exit(6000, 0x72);
  const Both both(trace.events);
  EXPECT_EQ(both.two_event(0), (RootTimes{.root = 10, .non_root = 2000, .off_cpu = 2990}));
  EXPECT_EQ(both.vmflow(0), (RootTimes{.root = 10, .non_root = 2000, .unaccounted = 2990}));
  EXPECT_EQ(flow_of(both.ours, kVcpu.tid).anomaly[FLOW_MISSED_EVENT], 1u);
}

// The thread ends at 2500 and leaves its CPU at 2600.
TEST(TwoEventBaseline, does_not_see_that_a_thread_has_ended) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).exit(2000, 0x7b).at(2100, UserspaceExitEvent{2, 0});
  trace.at(2500, ThreadExitEvent{kVcpu.tid}).to(2600, kTask, 0x10).to(3000, kIdle, 1);
  const Both both(trace.events);
  EXPECT_EQ(both.vmflow(0), (RootTimes{.root = 500, .non_root = 1000}));
  EXPECT_EQ(both.two_event(0), both.vmflow(0));
  EXPECT_EQ(both.baseline.within(kVcpu.tid, 0, 3000),
            (RootTimes{.root = 600, .non_root = 1000, .off_cpu = 400}));
}

// The scheduler tells the switch-out at 2010 and the kernel side at 2011, whose word vmflow takes.
TEST(TwoEventBaseline, has_both_words_of_a_switch_that_two_recorders_tell) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(1000).exit(2000, 0x78).to(2010, kIdle, 1).on(0, kVcpu);
  trace.at(2011, VcpuOutEvent{.state = FLOW_HALTED, .block = FLOW_BLOCK_OTHER, .throttled = false});
  trace.on(3, kMain).wakes(6000, kVcpu, 0);
  const Both both(trace.events);
  EXPECT_EQ(both.two_event(0), (RootTimes{.root = 10, .non_root = 1000, .off_cpu = 3990}));
  EXPECT_EQ(both.vmflow(0), (RootTimes{.root = 11, .non_root = 1000, .off_cpu = 3989}));
}

}  // namespace vmflow::test
