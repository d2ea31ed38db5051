// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: the flight recorder with the real daemon, modules and probes.
#include <set>

#include "lttng_recorder.h"

namespace vmflow::lab {

TEST(Lttng, records_every_exit_with_proven_events_alone) {
  LttngDaemon daemon;
  const Folder folder("saved");
  Recorder recorder;
  recorder.record();
  const auto state = recorder->state();
  EXPECT_EQ(state.backend, LttngBackend::lttng) << state.reason;
  EXPECT_EQ(state.reason, "");

  auto read = LttngClient(kDeadlines).read_back(own_name());
  ASSERT_TRUE(read) << read.error().message;
  std::set<std::string> proven;
  for (const auto& event : lttng_events()) proven.insert(event.name);
  EXPECT_EQ(std::set<std::string>(read->events.begin(), read->events.end()), proven);
  EXPECT_FALSE(proven.contains("kvm_mmio"));
  EXPECT_EQ(read->channels.size(), 1u);
  EXPECT_TRUE(read->is_active);
  EXPECT_TRUE(read->overwrites);
  EXPECT_EQ(read->sub_buffers * read->sub_buffer_bytes, 8u << 20);

  run_guest({"cpuid", "--count", std::to_string(kCpuids)});
  const auto begin = Clock::now();
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  figure("saved {} KiB, {:.1f} s of all CPUs, in {:.2f} s", saved->bytes >> 10, seconds_of(*saved),
         seconds_since(begin));
  EXPECT_EQ(saved->lost_events, 0u);
  const auto lines = events_of(folder.path());
  EXPECT_EQ(count(lines, "kvm_x86_exit", "exit_reason = 114,"), kCpuids);
  EXPECT_GE(count(lines, "kvm_x86_entry", "procname = \"ground_truth\""), kCpuids);
  for (const auto& [name, number] : count_names(lines)) EXPECT_TRUE(proven.contains(name)) << name;
  EXPECT_TRUE(recorder->stop());
  EXPECT_TRUE(sessions().empty());
}

TEST(Lttng, proven_events_are_safe_under_every_guest) {
  LttngDaemon daemon;
  const Folder folder("saved");
  Recorder recorder;
  recorder.record();
  for (const auto& guest :
       std::vector<std::vector<std::string>>{{"hlt", "--count", "101", "--period-us", "10000"},
                                             {"pio", "--count", "101"},
                                             {"msr", "--count", "101"},
                                             {"ipi", "--count", "101"},
                                             {"irq", "--count", "101"},
                                             {"fault", "--count", "23"},
                                             {"fault", "--count", "23", "--interrupts"},
                                             {"vmrun", "--count", "101"},
                                             {"mixed", "--seconds", "1"},
                                             {"mixed", "--seconds", "1", "--vcpus", "3"}})
    run_guest(guest);
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  const auto counts = count_names(events_of(folder.path()));
  for (const auto& event : lttng_events())
    figure("{:<36} {}", event.name, counts.contains(event.name) ? counts.at(event.name) : 0);
  for (const auto* name : {"kvm_x86_exit",
                           "kvm_x86_entry",
                           "kvm_userspace_exit",
                           "kvm_fpu",
                           "kvm_x86_apic_accept_irq",
                           "kvm_x86_inj_virq",
                           "kvm_msi_set_irq",
                           "kvm_async_pf_completed",
                           "kvm_x86_nested_vmexit",
                           "kvm_x86_nested_vmexit_inject",
                           "sched_switch",
                           "sched_waking",
                           "sched_migrate_task",
                           "sched_process_exit",
                           "irq_handler_entry",
                           "irq_handler_exit",
                           "irq_softirq_entry",
                           "irq_softirq_exit",
                           "x86_irq_vectors_local_timer_entry",
                           "x86_irq_vectors_local_timer_exit"})
    EXPECT_TRUE(counts.contains(name)) << name;
}

TEST(Lttng, enables_no_wildcard) {
  LttngDaemon daemon;
  LttngClient client(kDeadlines);
  for (const auto* name : {"kvm_*", "*", "sched_switc?", ""}) {
    const auto made = client.create({.session = "vmflow-test",
                                     .events = {"sched_switch", name},
                                     .sub_buffer_bytes = 16 << 10,
                                     .sub_buffers = 4});
    ASSERT_FALSE(made) << name;
    figure("{}", made.error().message);
    EXPECT_TRUE(sessions().empty()) << "half a session is left";
  }
}

TEST(Lttng, measures_its_rate_and_grows_to_the_wanted_span) {
  LttngDaemon daemon;
  const Folder scratch("scratch");
  auto options = lab::options();
  options.first_bytes_per_cpu = 256 << 10;
  options.scratch = scratch.path();
  Recorder recorder(options);
  recorder.record();
  Process load({ground_truth_path(), "cpuid", "--count", "100000"});
  recorder.tick_until([](const LttngState& state) { return state.resizes > 0; });
  const auto state = recorder->state();
  figure("{:.0f} KiB/s of the busiest CPU: {} KiB in all hold {:.0f} s",
         state.bytes_per_second / 1024, state.buffer_bytes >> 10, state.span_seconds);
  EXPECT_TRUE(state.recording);
  EXPECT_GE(state.span_seconds, 15);
  EXPECT_TRUE(scratch.is_empty());
  EXPECT_EQ(sessions(), std::vector<std::string>{own_name()});
}

TEST(Lttng, on_trigger_records_for_its_time_and_is_gone) {
  LttngDaemon daemon;
  const Folder folder("saved");
  auto options = lab::options();
  options.mode = TraceMode::on_trigger;
  options.record_time = milliseconds(2000);
  Recorder recorder(options);
  recorder.tick_until([](const LttngState& state) { return state.backend == LttngBackend::lttng; });
  EXPECT_TRUE(sessions().empty());
  Process load({ground_truth_path(), "mixed", "--seconds", "30"});
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  figure("on trigger: {:.2f} s, {} KiB", seconds_of(*saved), saved->bytes >> 10);
  // Starting and saving take their time in the lab, and are recorded too.
  EXPECT_GE(seconds_of(*saved), 2);
  EXPECT_LT(seconds_of(*saved), 6);
  EXPECT_TRUE(sessions().empty());
}

TEST(Lttng, in_discard_mode_says_what_is_lost) {
  LttngDaemon daemon;
  const Folder folder("saved");
  auto options = lab::options();
  options.first_bytes_per_cpu = 0;  // the least
  options.overflow = Overflow::discard;
  Recorder recorder(options);
  recorder.record();
  run_guest({"cpuid", "--count", std::to_string(kCpuids)});
  run_guest({"cpuid", "--count", std::to_string(kCpuids)});
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  figure("discarded {} events", saved->lost_events);
  EXPECT_GT(saved->lost_events, 1000u);
}

}  // namespace vmflow::lab
