// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: what can go wrong between the flight recorder and the daemon.
#include <signal.h>

#include "lttng_recorder.h"

namespace vmflow::lab {

TEST(Lttng, goes_on_when_the_daemon_is_killed_and_comes_back_with_the_next_one) {
  auto daemon = std::make_unique<LttngDaemon>();
  const Folder folder("saved");
  Recorder recorder;
  recorder.record();
  daemon->kill();
  const auto refused = recorder->snapshot(folder.path(), {});
  ASSERT_FALSE(refused);
  figure("killed: {}", refused.error().message);
  EXPECT_TRUE(folder.is_empty());
  recorder.tick_until([](const LttngState& state) { return !state.recording; });
  EXPECT_EQ(recorder->state().backend, LttngBackend::none);
  EXPECT_NE(recorder->state().reason.find("no lttng-sessiond"), std::string::npos)
      << recorder->state().reason;
  const auto begin = Clock::now();
  while (!lttng_processes().empty() && seconds_since(begin) < 30)
    std::this_thread::sleep_for(milliseconds(100));
  EXPECT_TRUE(lttng_processes().empty()) << lttng_processes().front();

  daemon = std::make_unique<LttngDaemon>();
  recorder.record();
  EXPECT_EQ(recorder->state().backend, LttngBackend::lttng);
  EXPECT_EQ(recorder->state().restarts, 1u);
  run_guest({"cpuid", "--count", "101"});
  const auto saved = recorder->snapshot(folder.path(), {});
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(count(events_of(folder.path()), "kvm_x86_exit", "exit_reason = 114,"), 101);
  EXPECT_TRUE(recorder->stop());
  EXPECT_TRUE(sessions().empty());
}

TEST(Lttng, never_waits_longer_than_its_deadline_for_a_daemon_that_hangs) {
  LttngDaemon daemon;
  const Folder folder("saved");
  Recorder recorder;
  recorder.record();
  daemon.signal(SIGSTOP);
  auto begin = Clock::now();
  const auto listed = LttngClient(kDeadlines).sessions();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().message, "lttng-sessiond hangs: no answer within 3000 ms");
  EXPECT_LT(seconds_since(begin), 4);
  recorder.tick_until([](const LttngState& state) { return !state.recording; });
  EXPECT_EQ(recorder->state().backend, LttngBackend::none);
  EXPECT_EQ(recorder->state().reason, "lttng-sessiond hangs: no answer within 3000 ms");
  EXPECT_FALSE(recorder->snapshot(folder.path(), {}));
  EXPECT_TRUE(folder.is_empty());
  daemon.signal(SIGCONT);
  recorder.record();
  EXPECT_EQ(recorder->state().restarts, 0u) << "what it recorded before is still there";
  EXPECT_TRUE(recorder->snapshot(folder.path(), {}));
  EXPECT_TRUE(recorder->stop());
  EXPECT_TRUE(sessions().empty());
}

TEST(Lttng, removes_the_sessions_of_dead_processes_alone) {
  LttngDaemon daemon;
  LttngClient client(kDeadlines);
  for (const auto* name : {"vmflow-1-99999999", "vmflow-notes", "operators"}) {
    const auto made = client.create({.session = name,
                                     .events = {"sched_switch"},
                                     .sub_buffer_bytes = 16 << 10,
                                     .sub_buffers = 4});
    ASSERT_TRUE(made) << made.error().message;
  }
  Recorder recorder;
  recorder.record();
  auto names = sessions();
  std::ranges::sort(names);
  std::vector<std::string> expected{"operators", own_name(), "vmflow-notes"};
  std::ranges::sort(expected);
  EXPECT_EQ(names, expected);
  EXPECT_TRUE(recorder->stop());
  EXPECT_EQ(sessions().size(), 2u);
}

TEST(Lttng, follows_the_scheduler_where_the_kvm_probes_are_missing) {
  LttngDaemon daemon({"--kmod-probes=sched,irq,block"});
  Recorder recorder;
  recorder.record();
  const auto state = recorder->state();
  figure("{}: {}", name_of(state.backend), state.reason);
  EXPECT_EQ(state.backend, LttngBackend::lttng_sched);
  EXPECT_NE(state.reason.find("KVM probes"), std::string::npos);
  const auto read = LttngClient(kDeadlines).read_back(own_name());
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->events.empty());
  for (const auto& name : read->events) EXPECT_FALSE(name.starts_with("kvm_")) << name;
}

TEST(Lttng, says_that_the_modules_are_missing) {
  const WithoutLttngModules without;
  LttngDaemon daemon;
  Recorder recorder;
  recorder.tick_until([](const LttngState& state) { return state.failures > 0; });
  figure("{}", recorder->state().reason);
  EXPECT_EQ(recorder->state().backend, LttngBackend::none);
  EXPECT_NE(recorder->state().reason.find("lttng-modules-dkms"), std::string::npos);
  EXPECT_TRUE(sessions().empty());
}

TEST(Lttng, does_not_begin_what_the_disk_has_no_room_for) {
  LttngDaemon daemon;
  const Folder small("small", "16m");
  Recorder recorder;
  recorder.record();
  const auto refused = recorder->snapshot(small.path(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "/run/small: 16 MiB are free, a trace may take 17 MiB");
  EXPECT_TRUE(small.is_empty());
  EXPECT_TRUE(recorder->state().recording);
}

TEST(Lttng, leaves_nothing_on_a_disk_that_becomes_full) {
  LttngDaemon daemon;
  const Folder small("small", "2m");
  auto options = lab::options();
  // As if it were one CPU with a small ring: the disk seems large enough.
  options.first_bytes_per_cpu = 1 << 20;
  options.cpus = 1;
  Recorder recorder(options);
  recorder.record();
  std::vector<Process> guests;
  for (const auto* cpu : {"0", "1"})
    guests.emplace_back(
        std::vector<std::string>{ground_truth_path(), "cpuid", "--count", "12000", "--pin", cpu});
  for (auto& guest : guests) EXPECT_EQ(guest.wait()->status, 0);
  const auto refused = recorder->snapshot(small.path(), {});
  ASSERT_FALSE(refused);
  figure("{}", refused.error().message);
  EXPECT_TRUE(small.is_empty());
  EXPECT_TRUE(recorder->state().recording);
}

}  // namespace vmflow::lab
