// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a trace that LTTng has recorded of a guest that knows what it did.
#include <gtest/gtest.h>
#include <time.h>

#include <filesystem>

#include "agent/sources/ctf_events.h"
#include "agent/trigger/ctf_writer.h"
#include "figure.h"
#include "guest.h"
#include "lttng_daemon.h"
#include "plain_trace.h"

namespace vmflow::lab {
namespace {

constexpr uint32_t kCpuid = 0x72;  // SVM

struct Guests {
  pid_t pid = 0;
  uint32_t tid = 0;
};

Guests run_cpuids() {
  Guest guest({"cpuid", "--count", "3001", "--hold"});
  const auto tid = guest.truth()["vms"][0]["vcpus"][0]["tid"].get<uint32_t>();
  guest.release();
  return {guest.pid(), tid};
}

struct Seen {
  TraceContents contents;
  std::vector<Event> events;
};

Seen read(const std::string& folder) {
  Seen seen;
  auto contents = read_ctf_isolated({folder}, {}, [&](const Event& event) {
    seen.events.push_back(event);
    return true;
  });
  if (!contents) throw std::runtime_error(contents.error().message);
  seen.contents = std::move(*contents);
  return seen;
}

uint64_t cpuids_of(const Seen& seen, uint32_t tid, uint32_t tgid) {
  uint64_t count = 0;
  for (const auto& event : seen.events)
    if (const auto* exit = std::get_if<ExitEvent>(&event.data))
      count += exit->code == kCpuid && exit->isa == FLOW_ISA_SVM && exit->vcpu_id == 0u &&
               event.tid == tid && event.tgid == tgid;
  return count;
}

class Ctf : public testing::Test {
  LttngDaemon daemon_;
};

}  // namespace

TEST_F(Ctf, lttngs_trace_holds_every_cpuid) {
  Guests guest;
  record({.folder = "/run/trace"}, [&] { guest = run_cpuids(); });
  const auto seen = read("/run/trace");
  ASSERT_EQ(seen.contents.traces.size(), 1u);
  const auto& trace = seen.contents.traces[0];
  figure("{} {}: {} events, {} discarded", trace.tracer, trace.tracer_version, seen.contents.events,
         discarded_events(seen.contents));
  EXPECT_EQ(trace.tracer, "lttng-modules");
  EXPECT_TRUE(has_live_clock(seen.contents));
  EXPECT_TRUE(trace.misshapen.empty());
  EXPECT_EQ(seen.contents.out_of_order, 0u);
  EXPECT_EQ(discarded_events(seen.contents), 0u);
  EXPECT_EQ(cpuids_of(seen, guest.tid, static_cast<uint32_t>(guest.pid)), 3001u);
  EXPECT_TRUE(trace.unused.contains("sched_wakeup"));
  for (const auto& words : missing(seen.contents)) figure("{}", words);
  EXPECT_EQ(missing(seen.contents).size(), 2u);  // halt polling, nested entries
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto now_ns =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  EXPECT_LT(trace.last_ns, now_ns);
  EXPECT_GT(trace.first_ns, 0u);
}

TEST_F(Ctf, threads_are_told_by_switches_where_there_are_no_contexts) {
  Guests guest;
  record({.folder = "/run/bare", .with_contexts = false}, [&] { guest = run_cpuids(); });
  const auto seen = read("/run/bare");
  EXPECT_EQ(cpuids_of(seen, guest.tid, 0), 3001u);
  EXPECT_FALSE(seen.contents.traces[0].tells_tid);
}

// What LTTng recorded, written by vmflow, is the same again.
TEST_F(Ctf, a_copy_by_vmflow_holds_the_same) {
  record({.folder = "/run/first"}, [] { run_cpuids(); });
  const auto seen = read("/run/first");
  CtfWriteOptions options;
  options.boot_id = seen.contents.traces[0].clock.uuid;
  options.epoch_offset_ns = seen.contents.traces[0].clock.offset_ns;
  const auto done = write_ctf("/run/copy", seen.events, options);
  ASSERT_TRUE(done) << done.error().message;
  const auto again = read("/run/copy");
  ASSERT_EQ(again.events.size(), seen.events.size());
  for (size_t i = 0; i < seen.events.size(); i++) {
    ASSERT_EQ(again.events[i].ns, seen.events[i].ns);
    ASSERT_EQ(again.events[i].cpu, seen.events[i].cpu);
    ASSERT_EQ(again.events[i].tid, seen.events[i].tid);
    ASSERT_EQ(again.events[i].data.index(), seen.events[i].data.index());
  }
  const auto printed = run({"babeltrace2", "/run/copy", "/run/first"});
  EXPECT_EQ(printed.status, 0) << printed.err;
  EXPECT_NE(printed.out.find("procname = \"ground_truth\""), std::string::npos);
}

// libbabeltrace2's sink aborts where it cannot write; only its child does.
TEST(CtfWriter, leaves_nothing_on_a_disk_that_is_full) {
  ASSERT_EQ(
      run({"sh", "-c", "mkdir /run/small && mount -t tmpfs -o size=1m tmpfs /run/small"}).status,
      0);
  std::vector<Event> events(200'000);
  for (uint64_t i = 0; i < events.size(); i++) events[i].ns = i;
  const auto done = write_ctf("/run/small/trace", events, {});
  ASSERT_FALSE(done);
  figure("{}", done.error().message);
  EXPECT_NE(done.error().message.find("cannot write the trace /run/small/trace"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty("/run/small"));
  // Full to the last byte: no metadata either.
  run({"sh", "-c", "cat /dev/zero > /run/small/zeros"});
  EXPECT_FALSE(write_ctf("/run/small/trace", std::vector<Event>(1), {}));
  EXPECT_FALSE(std::filesystem::exists("/run/small/trace"));
}

}  // namespace vmflow::lab
