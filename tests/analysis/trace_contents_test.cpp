// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/trace_contents.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

TraceReading trace(std::set<std::string> declared) {
  TraceReading reading;
  reading.clock = {"monotonic", "boot", 1'000'000'000, 5};
  reading.tells_tid = reading.tells_tgid = true;
  reading.declared = std::move(declared);
  return reading;
}

TraceContents complete() {
  TraceContents contents;
  contents.traces = {
      trace({"kvm_x86_exit", "kvm_x86_entry", "sched_switch", "kvm_userspace_exit",
             "kvm_x86_apic_accept_irq", "kvm_msi_set_irq"}),
      trace({"sched_waking", "x86_irq_vectors_local_timer_entry", "sched_migrate_task",
             "sched_process_exit", "kvm_vcpu_wakeup", "kvm_x86_nested_vmrun"})};
  return contents;
}

using Words = std::vector<std::string>;

}  // namespace

TEST(TraceContents, miss_nothing_that_one_of_the_traces_has) {
  EXPECT_EQ(missing(complete()), Words{});
}

TEST(TraceContents, say_what_an_event_that_is_not_there_costs) {
  auto contents = complete();
  contents.traces[1].declared.erase("sched_waking");
  contents.traces[0].declared.erase("kvm_msi_set_irq");
  EXPECT_EQ(missing(contents),
            (Words{"no sched_waking: what ended a wait, and when a vCPU became ready, is unknown",
                   "no kvm_set_irq or kvm_msi_set_irq: devices' interrupts are not told from "
                   "IPIs"}));
}

TEST(TraceContents, miss_an_event_whose_fields_are_others) {
  auto contents = complete();
  contents.traces[0].misshapen["sched_switch"] = 12;
  EXPECT_EQ(missing(contents),
            (Words{"no sched_switch: when a vCPU has a CPU is unknown: no halted, ready or blocked "
                   "time",
                   "12 events sched_switch without the fields they had"}));
}

TEST(TraceContents, say_what_was_lost) {
  auto contents = complete();
  contents.traces[0].discarded_events = 30;
  contents.traces[1].discarded_events = 7;
  contents.traces[1].discarded_packets = 2;
  contents.traces[1].uncounted_losses = 1;
  EXPECT_EQ(missing(contents),
            (Words{"37 events were discarded: times around them are wrong",
                   "2 packets were discarded: times around them are wrong",
                   "events were discarded in 1 places, perhaps before the trace; how many is "
                   "unknown"}));
}

TEST(TraceContents, say_which_contexts_are_not_there) {
  auto contents = complete();
  contents.traces[0].tells_tid = contents.traces[0].tells_tgid = false;
  contents.without_cpu = 3;
  EXPECT_EQ(missing(contents).size(), 3u);
}

TEST(TraceContents, have_the_live_clock_if_all_are_monotonic_and_of_one_boot) {
  auto contents = complete();
  EXPECT_TRUE(has_live_clock(contents));
  contents.traces[1].clock.uuid = "another";
  EXPECT_FALSE(has_live_clock(contents));
  contents = complete();
  contents.traces[1].clock.name = "tsc";
  EXPECT_FALSE(has_live_clock(contents));
  EXPECT_EQ(missing(contents).size(), 1u);
  EXPECT_FALSE(has_live_clock({}));
}

}  // namespace vmflow::test
