// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/lttng_session.h"

#include <gtest/gtest.h>

#include <optional>

#include "agent/trigger/lttng_names.h"
#include "tests/agent/unit/fake_lttng.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

using std::chrono::seconds;

struct Host {
  FakeDaemon daemon;
  TemporaryFolder folder;
  std::optional<LttngSession> session;
  const std::string name = lttng_session_name(*own_process_key());
  uint64_t now_ns = 0;

  void start(LttngOptions options) {
    options.now_ns = [this] { return now_ns; };
    options.record_time = std::chrono::milliseconds(0);
    session.emplace(std::make_unique<FakeLttng>(daemon), options);
  }
  /// Ticks once a second, from `from` up to and with `to`.
  void tick(int from, int to) {
    for (int second = from; second <= to; second++)
      session->tick(LttngSession::Time(seconds(1000 + second)));
  }
  Result<LttngSnapshot> snapshot() { return session->snapshot(folder.path(), {}); }
  bool is_empty() const { return std::filesystem::is_empty(folder.path()); }
};

}  // namespace

TEST(LttngSession, in_flight_records_from_the_first_tick_until_it_is_stopped) {
  Host host;
  host.start({.first_bytes_per_cpu = 4 << 20, .cpus = 2});
  EXPECT_FALSE(host.session->state().recording);
  host.tick(0, 0);
  ASSERT_TRUE(host.daemon.sessions.contains(host.name));
  const auto& plan = host.daemon.sessions.at(host.name);
  EXPECT_EQ(plan.events.size(), lttng_events().size());
  EXPECT_EQ(plan.sub_buffer_bytes, 256u << 10);
  EXPECT_EQ(plan.sub_buffers, 16u);
  EXPECT_EQ(plan.overflow, Overflow::overwrite);
  EXPECT_EQ(host.daemon.started, std::vector<std::string>{host.name});
  const auto state = host.session->state();
  EXPECT_TRUE(state.recording);
  EXPECT_EQ(state.backend, LttngBackend::lttng);
  EXPECT_EQ(state.reason, "");
  EXPECT_EQ(state.buffer_bytes, 8u << 20);
  EXPECT_TRUE(host.session->stop());
  EXPECT_TRUE(host.daemon.sessions.empty());
  EXPECT_FALSE(host.session->state().recording);
}

TEST(LttngSession, that_is_destroyed_leaves_nothing) {
  Host host;
  host.start({});
  host.tick(0, 0);
  host.session.reset();
  EXPECT_TRUE(host.daemon.sessions.empty());
}

TEST(LttngSession, removes_what_dead_processes_left_and_nothing_else) {
  Host host;
  for (const auto* other : {"vmflow-1-0", "my-session", "vmflow-notes"})
    host.daemon.sessions[other];
  host.start({});
  host.tick(0, 0);
  EXPECT_FALSE(host.daemon.sessions.contains("vmflow-1-0"));
  EXPECT_TRUE(host.daemon.sessions.contains("my-session"));
  EXPECT_TRUE(host.daemon.sessions.contains("vmflow-notes"));
  EXPECT_TRUE(host.daemon.sessions.contains(host.name));
}

TEST(LttngSession, comes_back_when_the_daemon_does) {
  Host host;
  host.start({});
  host.tick(0, 0);
  host.daemon.die();
  host.tick(1, 2);
  auto state = host.session->state();
  EXPECT_EQ(state.backend, LttngBackend::none);
  EXPECT_EQ(state.reason, "no lttng-sessiond runs");
  EXPECT_FALSE(state.recording);
  EXPECT_FALSE(host.snapshot());
  host.daemon.is_running = true;
  host.tick(3, 5);
  state = host.session->state();
  EXPECT_TRUE(host.daemon.sessions.contains(host.name));
  EXPECT_TRUE(state.recording);
  EXPECT_EQ(state.backend, LttngBackend::lttng);
  EXPECT_EQ(state.restarts, 1u);
}

TEST(LttngSession, notices_a_daemon_that_was_restarted_between_two_looks_and_offers_less) {
  Host host;
  host.start({});
  host.tick(0, 0);
  host.daemon.die();
  host.daemon.is_running = true;
  std::erase_if(host.daemon.offered, [](const auto& name) { return name.starts_with("kvm_x86_"); });
  host.tick(1, 2);
  const auto state = host.session->state();
  EXPECT_EQ(state.backend, LttngBackend::lttng_sched);
  EXPECT_TRUE(state.recording);
  EXPECT_EQ(state.restarts, 1u);
}

TEST(LttngSession, asks_a_dead_daemon_ever_more_seldom) {
  Host host;
  host.daemon.die();
  host.start({});
  host.tick(0, 30);  // at 0, 2, 6, 14, 30
  EXPECT_EQ(host.daemon.asked, 5);
  host.tick(31, 1000);
  EXPECT_LE(host.daemon.asked, 5 + 1000 / 60);
  EXPECT_GE(host.daemon.asked, 5 + 900 / 60);
}

TEST(LttngSession, that_goes_on_in_a_daemon_which_was_only_stuck_is_kept) {
  Host host;
  host.start({});
  host.tick(0, 0);
  host.daemon.is_running = false;
  host.tick(1, 2);
  EXPECT_FALSE(host.session->state().recording);
  host.daemon.is_running = true;
  host.tick(3, 5);
  EXPECT_TRUE(host.session->state().recording);
  EXPECT_TRUE(host.daemon.sessions.contains(host.name));
  EXPECT_EQ(host.daemon.started.size(), 1u);
  EXPECT_EQ(host.session->state().restarts, 0u);
}

TEST(LttngSession, half_made_is_made_anew) {
  Host host;
  host.daemon.start_fails = host.daemon.destroy_fails = true;
  host.start({});
  host.tick(0, 0);
  EXPECT_TRUE(host.daemon.sessions.contains(host.name)) << "nothing could remove it";
  EXPECT_FALSE(host.session->state().recording);
  host.daemon.start_fails = host.daemon.destroy_fails = false;
  host.tick(1, 4);
  EXPECT_TRUE(host.session->state().recording);
  EXPECT_EQ(host.daemon.started.size(), 1u);
  EXPECT_EQ(host.session->state().failures, 1u);
}

TEST(LttngSession, grows_until_it_holds_the_wanted_span) {
  Host host;
  // 1 MiB a second: the first 4 MiB hold 3.75 s.
  std::string stream;
  for (uint64_t i = 0; i < 2; i++)
    stream += packet_bytes(
        {.begin = i * 1953125, .end = (i + 1) * 1953125, .content = 2048, .sequence = i});
  host.daemon.stream = stream;
  host.start({.wanted_span = seconds(15), .scratch = host.folder.path()});
  host.tick(0, 2);
  auto state = host.session->state();
  EXPECT_EQ(host.daemon.saved, std::vector<uint64_t>{3 * (256 << 10)});
  EXPECT_NEAR(state.bytes_per_second, 1 << 20, 1);
  EXPECT_EQ(state.resizes, 1u);
  EXPECT_EQ(state.restarts, 0u);
  EXPECT_EQ(state.buffer_bytes, 32u << 20);
  EXPECT_NEAR(state.span_seconds, 30, 0.01);
  EXPECT_TRUE(state.recording);
  EXPECT_TRUE(host.is_empty()) << "samples are removed";
  host.tick(3, 100);
  EXPECT_EQ(host.session->state().resizes, 1u);
}

TEST(LttngSession, grows_no_further_than_its_limit) {
  Host host;
  host.daemon.stream = packet_bytes({.begin = 0, .end = 1000000, .content = 4096});
  host.start({.most_bytes = 16 << 20, .cpus = 2, .scratch = host.folder.path()});
  host.tick(0, 100);
  const auto state = host.session->state();
  EXPECT_EQ(state.buffer_bytes, 16u << 20);
  EXPECT_EQ(state.resizes, 1u);
  EXPECT_NEAR(state.span_seconds, 7.5 * (1 << 20) / 4096e3, 0.01)
      << "says that it is less than wanted";
}

TEST(LttngSession, saves_what_the_buffers_hold) {
  Host host;
  host.start({});
  host.tick(0, 0);
  const auto saved = host.snapshot();
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->trace, host.folder.path() + "/lttng/trace-1/kernel");
  EXPECT_EQ(saved->bytes, 4096u + 13);
  EXPECT_EQ(saved->last_ns - saved->first_ns, 1'000'000'000u);
  EXPECT_EQ(saved->lost_events, 0u);
  EXPECT_TRUE(host.daemon.sessions.contains(host.name)) << "and records on";
}

// A daemon that has little CPU makes the buffers seconds before it starts the session.
TEST(LttngSession, is_whole_from_when_it_was_started) {
  Host host;
  host.daemon.stream = packet_bytes({.begin = 1000, .end = 9000, .content = 4096});
  host.now_ns = 5000;
  host.start({});
  host.tick(0, 0);
  const auto saved = host.snapshot();
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->first_ns, 5000u);
}

TEST(LttngSession, leaves_nothing_of_a_snapshot_that_fails) {
  Host host;
  host.start({});
  host.tick(0, 0);
  host.daemon.saves_half = true;
  EXPECT_EQ(host.snapshot().error().message, "no space");
  EXPECT_TRUE(host.is_empty());
  host.daemon.saves_half = false;
  host.daemon.stream = host.daemon.stream.substr(0, 2000);
  EXPECT_NE(host.snapshot().error().message.find("cut off"), std::string::npos);
  EXPECT_TRUE(host.is_empty());
  EXPECT_EQ(host.session->state().failures, 2u);
}

TEST(LttngSession, does_not_begin_to_save_what_the_disk_has_no_room_for) {
  Host host;
  host.start(
      {.first_bytes_per_cpu = uint64_t{1} << 38, .most_bytes = uint64_t{1} << 50, .cpus = 1024});
  host.tick(0, 0);
  EXPECT_NE(host.snapshot().error().message.find("MiB are free"), std::string::npos);
  EXPECT_TRUE(host.daemon.saved.empty());
}

TEST(LttngSession, on_trigger_is_in_the_kernel_only_while_it_records) {
  Host host;
  host.start({.mode = TraceMode::on_trigger});
  host.tick(0, 10);
  EXPECT_TRUE(host.daemon.sessions.empty());
  EXPECT_EQ(host.session->state().backend, LttngBackend::lttng);
  EXPECT_TRUE(host.snapshot());
  EXPECT_EQ(host.daemon.started.size(), 1u);
  EXPECT_TRUE(host.daemon.sessions.empty());
  EXPECT_FALSE(host.session->state().recording);
}

TEST(LttngSession, on_trigger_that_could_not_be_ended_is_ended_at_a_later_look) {
  Host host;
  host.start({.mode = TraceMode::on_trigger});
  host.tick(0, 0);
  host.daemon.destroy_fails = true;
  EXPECT_TRUE(host.snapshot());
  EXPECT_FALSE(host.daemon.sessions.empty());
  host.daemon.destroy_fails = false;
  host.tick(1, 4);
  EXPECT_TRUE(host.daemon.sessions.empty());
}

TEST(LttngSession, that_is_off_asks_nobody) {
  Host host;
  host.start({.mode = TraceMode::off});
  host.tick(0, 10);
  EXPECT_EQ(host.daemon.asked, 0);
  EXPECT_EQ(host.session->state().reason, "switched off");
  EXPECT_EQ(host.snapshot().error().message, "LTTng records nothing: switched off");
}

}  // namespace vmflow::test
