// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "agent/sources/ctf_events.h"
#include "agent/trigger/ctf_writer.h"
#include "tests/agent/unit/recorded_events.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

constexpr const char* kBoot = "ef5662a4-9847-4862-be69-516c1c2bbcd8";

CtfWriteOptions options_of_a_boot() {
  CtfWriteOptions options;
  options.epoch_offset_ns = 1'795'692'684'318'628'110;
  options.boot_id = kBoot;
  options.kernel_release = "6.1.0-56-amd64";
  options.hostname = "host-a";
  return options;
}

struct ReadBack {
  TraceContents contents;
  std::vector<Event> events;
};

/// Both ways of reading, which must agree.
ReadBack read_back(const std::vector<std::string>& paths) {
  ReadBack direct, isolated;
  const auto read = [&](auto how, ReadBack& to) {
    auto contents = how(paths, CtfReadOptions{}, [&](const Event& event) {
      to.events.push_back(event);
      return true;
    });
    ASSERT_TRUE(contents) << contents.error().message;
    to.contents = std::move(*contents);
  };
  read(read_ctf, direct);
  read([](auto&&... arguments) { return read_ctf_isolated(arguments...); }, isolated);
  EXPECT_EQ(contents_bytes(direct.contents), contents_bytes(isolated.contents));
  EXPECT_EQ(direct.events.size(), isolated.events.size());
  for (size_t i = 0; i < std::min(direct.events.size(), isolated.events.size()); i++)
    EXPECT_EQ(bytes_of(direct.events[i]), bytes_of(isolated.events[i])) << i;
  return isolated;
}

void write(const std::string& path, std::span<const Event> events, const CtfWriteOptions& options) {
  const auto done = write_ctf(path, events, options);
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace

TEST(CtfRoundTrip, events_are_equal) {
  const TemporaryFolder folder;
  const auto events = one_of_each();
  auto shuffled = events;
  std::ranges::reverse(shuffled);
  write(folder.path() + "/trace", shuffled, options_of_a_boot());
  const auto back = read_back({folder.path()});
  ASSERT_EQ(back.events.size(), events.size());
  for (size_t i = 0; i < events.size(); i++)
    EXPECT_EQ(bytes_of(back.events[i]), bytes_of(events[i]))
        << i << " of kind " << events[i].data.index();
}

TEST(CtfRoundTrip, tells_what_the_trace_is) {
  const TemporaryFolder folder;
  const auto events = one_of_each();
  write(folder.path() + "/trace", events, options_of_a_boot());
  const auto contents = read_back({folder.path() + "/trace"}).contents;
  ASSERT_EQ(contents.traces.size(), 1u);
  const auto& trace = contents.traces[0];
  EXPECT_EQ(trace.tracer, "vmflow");
  EXPECT_EQ(trace.hostname, "host-a");
  EXPECT_EQ(trace.tracer_version, "0.1.0");
  EXPECT_TRUE(trace.clock.is_monotonic());
  EXPECT_EQ(trace.clock.uuid, kBoot);
  EXPECT_EQ(trace.clock.offset_ns, 1'795'692'684'318'628'110);
  EXPECT_TRUE(trace.tells_tid && trace.tells_tgid);
  EXPECT_EQ(trace.first_ns, events.front().ns);
  EXPECT_EQ(trace.last_ns, events.back().ns);
  EXPECT_EQ(trace.events.at("kvm_x86_exit"), 2u);
  EXPECT_TRUE(trace.unused.empty());
  EXPECT_EQ(contents.events, events.size());
  EXPECT_EQ(contents.out_of_order, 0u);
  EXPECT_EQ(contents.without_cpu, 0u);
  EXPECT_EQ(missing(contents), std::vector<std::string>{});
}

TEST(CtfRoundTrip, what_did_not_happen_is_not_missing_and_what_was_not_recorded_is) {
  const TemporaryFolder folder;
  auto options = options_of_a_boot();
  write(folder.path() + "/all/trace", {}, options);
  EXPECT_EQ(missing(read_back({folder.path() + "/all"}).contents), std::vector<std::string>{});
  options.recorded = {"kvm_x86_exit"};
  write(folder.path() + "/exits/trace", {}, options);
  EXPECT_EQ(missing(read_back({folder.path() + "/exits"}).contents).size(), 11u);
}

TEST(CtfRoundTrip, lost_events_are_told_by_cpu) {
  const TemporaryFolder folder;
  auto options = options_of_a_boot();
  options.coverage.lost = {{0, 30}, {3, 0}, {5, 7}};  // CPU 5 has recorded nothing
  write(folder.path() + "/trace", one_of_each(), options);
  const auto contents = read_back({folder.path()}).contents;
  EXPECT_EQ(discarded_events(contents), 37u);
  EXPECT_EQ(contents.traces[0].uncounted_losses, 0u);
}

TEST(CtfRoundTrip, since_when_all_cpus_events_are_there_is_told_before_they_are_read) {
  const TemporaryFolder folder;
  std::vector<Event> events;
  for (uint64_t i = 1; i < 100; i++)
    events.push_back({.ns = 1000 * i,
                      .cpu = static_cast<uint32_t>(i % 2),
                      .tid = 9,
                      .tgid = 9,
                      .kvm = 1,
                      .data = RunEvent{}});
  auto options = options_of_a_boot();
  options.coverage.whole_from = {{0, 500}, {1, 7'700}};
  std::erase_if(events, [](const Event& event) { return event.cpu == 1 && event.ns < 7'700; });
  write(folder.path() + "/trace", events, options);
  uint64_t told_ns = 0;
  CtfReadOptions reading;
  reading.on_progress = [&](const TraceContents& contents) {
    told_ns = contents.traces.at(0).whole_from_ns;
    return false;
  };
  ASSERT_TRUE(read_ctf({folder.path()}, reading, [](const Event&) { return true; }));
  EXPECT_EQ(told_ns, 7'700u);
  EXPECT_EQ(read_back({folder.path()}).events.size(), events.size()) << "none is kept back";
}

TEST(CtfRoundTrip, events_from_before_all_are_there_are_written_too) {
  const TemporaryFolder folder;
  auto options = options_of_a_boot();
  const auto events = one_of_each();
  options.coverage.whole_from = {{0, events[7].ns + 1}, {3, events[7].ns + 1}};
  write(folder.path() + "/trace", events, options);
  EXPECT_EQ(read_back({folder.path()}).events.size(), events.size());
}

TEST(CtfRoundTrip, many_packets_and_a_loss) {
  const TemporaryFolder folder;
  std::vector<Event> events;
  for (uint64_t i = 0; i < 50'000; i++)
    events.push_back({.ns = 10 * i,
                      .cpu = i % 3 == 0 ? 1u : 0u,
                      .tid = 9,
                      .tgid = 9,
                      .kvm = 1,
                      .data = RunEvent{}});
  auto options = options_of_a_boot();
  options.coverage.lost = {{1, 5}};
  write(folder.path() + "/trace", events, options);
  const auto back = read_back({folder.path()});
  ASSERT_EQ(back.events.size(), events.size());
  for (size_t i = 0; i < events.size(); i++)
    ASSERT_EQ(bytes_of(back.events[i]), bytes_of(events[i]));
  EXPECT_EQ(discarded_events(back.contents), 5u);
}

// LTTng samples its clock's offset when a session is created, vmflow when it writes.
TEST(CtfRoundTrip, traces_are_merged_by_the_clock_and_not_by_the_time_of_day) {
  const TemporaryFolder folder;
  const auto events = one_of_each();
  std::vector<Event> even, odd;
  for (size_t i = 0; i < events.size(); i++) (i % 2 == 0 ? even : odd).push_back(events[i]);
  auto options = options_of_a_boot();
  write(folder.path() + "/a", even, options);
  options.epoch_offset_ns += 3'000'000'123;
  write(folder.path() + "/b/deeper", odd, options);
  const auto back = read_back({folder.path()});
  ASSERT_EQ(back.events.size(), events.size());
  for (size_t i = 0; i < events.size(); i++) EXPECT_EQ(back.events[i].ns, events[i].ns);
  ASSERT_EQ(back.contents.traces.size(), 2u);
  EXPECT_EQ(back.contents.traces[0].last_ns, even.back().ns);
  EXPECT_EQ(back.contents.traces[1].last_ns, odd.back().ns);
  EXPECT_TRUE(has_live_clock(back.contents));
}

// LTTng's snapshots of one recording overlap.
TEST(CtfRoundTrip, what_two_snapshots_hold_is_read_once) {
  const TemporaryFolder folder;
  write(folder.path() + "/snapshot-1", one_of_each(), options_of_a_boot());
  std::filesystem::copy(folder.path() + "/snapshot-1", folder.path() + "/snapshot-2",
                        std::filesystem::copy_options::recursive);
  const auto back = read_back({folder.path()});
  EXPECT_EQ(back.events.size(), one_of_each().size());
  ASSERT_EQ(back.contents.traces.size(), 1u);
  EXPECT_EQ(back.contents.traces[0].paths.size(), 2u);
}

// A trace whose contexts were not enabled.
TEST(CtfRoundTrip, without_contexts_a_switch_tells_the_thread) {
  const TemporaryFolder folder;
  const auto at = [](uint64_t ns, uint32_t cpu, EventData data) {
    return Event{.ns = ns, .cpu = cpu, .tid = 1, .tgid = 1, .kvm = 0, .data = std::move(data)};
  };
  const auto leaves = [](uint32_t prev, uint32_t next) {
    SwitchEvent event;
    event.prev_tid = prev;
    event.next_tid = next;
    return event;
  };
  write(folder.path() + "/trace",
        std::vector<Event>{at(100, 0, RunEvent{}), at(200, 0, leaves(7, 8)), at(300, 0, RunEvent{}),
                           at(400, 1, RunEvent{}), at(500, 0, leaves(8, 0))},
        options_of_a_boot());
  std::ifstream file(folder.path() + "/trace/metadata");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const std::string name : {"} _tid;", "} _pid;"})  // the contexts come first
    text.replace(text.find(name), name.size(), "} _xid;");
  text.replace(text.find("} _xid;"), 7, "} _yid;");
  folder.write("trace/metadata", text);
  const auto back = read_back({folder.path()});
  std::vector<uint32_t> tids;
  for (const auto& event : back.events) tids.push_back(event.tid);
  EXPECT_EQ(tids, (std::vector<uint32_t>{0, 7, 8, 0, 8}));
  EXPECT_FALSE(back.contents.traces[0].tells_tid || back.contents.traces[0].tells_tgid);
  EXPECT_EQ(missing(back.contents).size(), 2u);
}

TEST(CtfRoundTrip, no_events_are_a_trace) {
  const TemporaryFolder folder;
  write(folder.path() + "/trace", {}, options_of_a_boot());
  const auto back = read_back({folder.path()});
  EXPECT_TRUE(back.events.empty());
}

TEST(CtfRoundTrip, stops_when_the_reader_has_enough) {
  const TemporaryFolder folder;
  write(folder.path() + "/trace", one_of_each(), options_of_a_boot());
  for (auto how : {0, 1}) {
    int taken = 0;
    const auto sink = [&](const Event&) { return ++taken < 3; };
    const auto contents = how == 0 ? read_ctf({folder.path()}, {}, sink)
                                   : read_ctf_isolated({folder.path()}, {}, sink);
    ASSERT_TRUE(contents) << contents.error().message;
    EXPECT_TRUE(contents->interrupted);
    EXPECT_EQ(taken, 3);
    EXPECT_EQ(contents->events, 3u);
    EXPECT_EQ(contents->traces.size(), 1u);
  }
}

TEST(CtfRoundTrip, a_trace_that_is_there_is_not_overwritten) {
  const TemporaryFolder folder;
  folder.write("trace/precious", "x");
  const auto done = write_ctf(folder.path() + "/trace", one_of_each(), options_of_a_boot());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("there already"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/trace/precious"));
}

TEST(CtfRoundTrip, a_folder_that_cannot_be_made_is_an_error) {
  const TemporaryFolder folder;
  folder.write("file", "x");
  const auto done = write_ctf(folder.path() + "/file/trace", one_of_each(), options_of_a_boot());
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("cannot write the trace"), std::string::npos)
      << done.error().message;
}

}  // namespace vmflow::test
