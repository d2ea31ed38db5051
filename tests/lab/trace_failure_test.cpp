// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: whatever happens to the agent's traces, the agent goes on, says what is
// there, and leaves nothing behind.
#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>
#include <sys/mount.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "figure.h"
#include "lttng_daemon.h"
#include "recording_agent.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

using std::chrono::milliseconds;

/// A file system of its own, as the folder that snapshots are kept in.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    std::filesystem::create_directories(path());
    must({"mount", "-t", "tmpfs", "-o", "mode=0700,size=" + size, "small", path()});
  }
  ~SmallDisk() { umount2(path().c_str(), MNT_DETACH); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  static std::string path() { return "/run/small"; }
};

int post(const RecordingAgent& agent, const std::string& body) {
  httplib::Client client(agent.url());
  const auto answer = client.Post("/api/v1/snapshots", body, "application/json");
  return answer ? answer->status : 0;
}

std::vector<std::string> folders_below(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  return names;
}

uint64_t bytes_of(const std::string& path) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

/// The processes that a thread of `pid` has started and that have not ended.
std::vector<std::string> children_of(pid_t pid) {
  std::vector<std::string> children;
  const auto threads = fmt::format("/proc/{}/task", pid);
  if (!std::filesystem::exists(threads)) return children;
  for (const auto& thread : std::filesystem::directory_iterator(threads)) {
    std::ifstream file(thread.path() / "children");
    for (std::string child; file >> child;) children.push_back(child);
  }
  return children;
}

/// As soon as what was asked before is analysed too, and the VM is known. Shape: status of the
/// answer.
int post_when_possible(const RecordingAgent& agent, const std::string& body) {
  const Stopwatch watch;
  for (;;) {
    const int status = post(agent, body);
    if ((status != 409 && status != 404) || watch.seconds() > 60) return status;
    std::this_thread::sleep_for(milliseconds(200));
  }
}

void wait_until_idle(RecordingAgent& agent) {
  const Stopwatch watch;
  const auto is_busy = [&] {
    for (const auto& one : agent.snapshots())
      if (one["state"] == "recording") return true;
    return !children_of(agent->process().pid()).empty();
  };
  while (is_busy()) {
    ASSERT_LT(watch.seconds(), 60) << agent->process().err();
    std::this_thread::sleep_for(milliseconds(100));
  }
}

double refused(RecordingAgent& agent, const std::string& reason) {
  return agent->scrape().sum("vmflow_trigger_suppressed_total",
                             {{"trigger", "http"}, {"reason", reason}});
}

const std::vector<std::string> kRingAlone{"--trigger.rules", "none", "--no-trace.lttng"};

std::vector<std::string> ring_alone_and(std::vector<std::string> more) {
  more.insert(more.begin(), kRingAlone.begin(), kRingAlone.end());
  return more;
}

}  // namespace

TEST(TraceFailure, a_storm_of_requests_takes_one_snapshot_and_counts_the_rest) {
  RecordingAgent agent(kRingAlone);
  Guest guest({"cpuid", "--count", "20011"});
  guest.truth();
  constexpr int kThreads = 4, kRequests = 1000;
  std::map<int, int> statuses;
  std::mutex mutex;
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; i++)
      threads.emplace_back([&] {
        httplib::Client client(agent.url());
        client.set_keep_alive(true);
        for (int k = 0; k < kRequests / kThreads; k++) {
          const auto answer = client.Post("/api/v1/snapshots", "{}", "application/json");
          const std::lock_guard lock(mutex);
          statuses[answer ? answer->status : 0]++;
        }
      });
  }
  figure("{} requests in {:.1f} s", kRequests, watch.seconds());
  for (const auto& [status, count] : statuses) figure("status {}: {}", status, count);
  wait_until_idle(agent);
  const auto kept = agent.snapshots().size();
  const auto page = agent->scrape();
  const auto suppressed = page.sum("vmflow_trigger_suppressed_total", {{"trigger", "http"}});
  figure("{} snapshots, {} refusals counted", kept, suppressed);
  EXPECT_GE(kept, 1u);
  // Ten seconds lie between two that people ask for.
  EXPECT_LE(static_cast<double>(kept), 1 + watch.seconds() / 10);
  EXPECT_EQ(statuses[202], static_cast<int>(kept));
  EXPECT_EQ(statuses[202] + statuses[409] + statuses[429], kRequests) << "each has an answer";
  EXPECT_EQ(suppressed, kRequests - statuses[202]);
  EXPECT_EQ(folders_below(agent.folder()).size(), kept);
  EXPECT_EQ(page.sum("vmflow_trigger_fired_total", {{"trigger", "http"}}), kRequests);
  EXPECT_EQ(agent->stop().status, 0);
}

TEST(TraceFailure, of_two_that_ask_at_once_one_is_served) {
  RecordingAgent agent(kRingAlone);
  Guest first({"spin", "--seconds", "60", "-name", "first"});
  Guest second({"spin", "--seconds", "60", "-name", "second"});
  std::this_thread::sleep_for(std::chrono::seconds(3));
  std::atomic<int> taken = 0, busy = 0, ready = 0;
  {
    std::vector<std::jthread> both;
    for (const auto* name : {"first", "second"})
      both.emplace_back([&, body = fmt::format(R"({{"vm":"{}"}})", name)] {
        ready++;
        while (ready < 2) {
        }
        const int status = post(agent, body);
        (status == 202 ? taken : busy)++;
        EXPECT_TRUE(status == 202 || status == 409) << status;
      });
  }
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(busy, 1);
  EXPECT_EQ(refused(agent, "busy"), 1);
  wait_until_idle(agent);
  EXPECT_EQ(agent.snapshots().size(), 1u);
}

TEST(TraceFailure, the_quota_holds_and_the_oldest_go_first) {
  constexpr uint64_t kQuota = 10 << 20;
  constexpr int kSnapshots = 9;
  RecordingAgent agent(
      ring_alone_and({"--trace.quota-mib", "10", "--trace.ring-mib-per-cpu", "1"}));
  std::vector<std::string> ids;
  for (int i = 0; i < kSnapshots; i++) {
    // A VM of its own each time: nobody has to cool down.
    Guest guest({"cpuid", "--count", "15013", "-name", "vm" + std::to_string(i)});
    guest.truth();
    const auto status = post_when_possible(agent, fmt::format(R"({{"vm":"vm{}"}})", i));
    ASSERT_EQ(status, 202) << agent->process().err();
    wait_until_idle(agent);
    std::vector<std::string> now;
    for (const auto& one : agent.snapshots())
      if (one["state"] == "complete") now.push_back(one["id"]);
    figure("{} snapshots, {} KiB", now.size(), bytes_of(agent.folder()) >> 10);
    EXPECT_LE(bytes_of(agent.folder()), kQuota);
    ASSERT_FALSE(now.empty());
    const auto newest = *std::ranges::max_element(now);
    EXPECT_TRUE(std::ranges::find(ids, newest) == ids.end()) << "the newest is kept";
    ids.push_back(newest);
  }
  EXPECT_LT(agent.snapshots().size(), size_t{kSnapshots}) << "the quota was never reached";
  EXPECT_FALSE(std::filesystem::exists(agent.folder() + "/" + ids.front()));
  EXPECT_TRUE(std::filesystem::exists(agent.folder() + "/" + ids.back()));
}

TEST(TraceFailure, a_full_disk_costs_the_trace_and_nothing_else) {
  const SmallDisk disk("3m");
  RecordingAgent agent(ring_alone_and({"--trace.dir", SmallDisk::path()}));
  Guest guest({"cpuid", "--count", "60013"});
  guest.truth();
  const auto asked = agent.ask({"--wait"});
  figure("status {}: {}{}", asked.status, asked.out, asked.err);
  const auto log = agent->process().err();
  EXPECT_TRUE(asked.status != 0 || log.find("has no trace") != std::string::npos) << log;
  wait_until_idle(agent);
  for (const auto& folder : folders_below(SmallDisk::path()))
    EXPECT_FALSE(std::filesystem::exists(SmallDisk::path() + "/" + folder + "/trace")) << folder;
  const auto before = agent->scrape();
  EXPECT_GE(before.sum("vmflow_trace_snapshot_failures_total") +
                before.sum("vmflow_trigger_suppressed_total"),
            1);
  EXPECT_GT(before.sum("vmflow_vm_exits_total"), 60013) << "it counts on";

  // There is room again.
  must({"mount", "-o", "remount,size=200m", SmallDisk::path()});
  std::this_thread::sleep_for(std::chrono::seconds(11));
  const auto again = agent.ask({"--wait"});
  EXPECT_EQ(again.status, 0) << again.err;
  bool has_trace = false;
  for (const auto& folder : folders_below(SmallDisk::path()))
    has_trace |= std::filesystem::exists(SmallDisk::path() + "/" + folder + "/trace/ring");
  EXPECT_TRUE(has_trace) << agent->process().err();
  EXPECT_EQ(agent->stop().status, 0);
}

TEST(TraceFailure, an_agent_that_ends_while_it_records_leaves_no_session_and_no_half) {
  LttngDaemon daemon;
  RecordingAgent agent(
      {"--trigger.rules", "none", "--trace.mode", "on-trigger", "--trace.record-seconds", "60"});
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  ASSERT_EQ(agent.ask({}).status, 0);
  std::this_thread::sleep_for(std::chrono::seconds(4));
  EXPECT_NE(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "it records";
  const auto pid = agent->process().pid();
  const Stopwatch watch;
  EXPECT_EQ(agent->stop().status, 0);
  figure("ended after {:.1f} s of the 60 it would have recorded", watch.seconds());
  EXPECT_LT(watch.seconds(), 15);
  // What it had recorded by then is a snapshot like any other.
  for (const auto& name : folders_below(agent.folder())) {
    const auto analysed = run({vmflow_path(), "analyze", agent.folder() + "/" + name});
    EXPECT_EQ(analysed.status, 0) << name << ": " << analysed.err;
    EXPECT_TRUE(std::filesystem::exists(agent.folder() + "/" + name + "/finding.json"));
  }
  EXPECT_TRUE(children_of(pid).empty());
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos);
}

TEST(TraceFailure, what_a_killed_agent_left_the_next_one_removes) {
  LttngDaemon daemon;
  {
    RecordingAgent agent({"--trigger.rules", "none"});
    ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
    agent->process().signal(SIGKILL);
    agent->process().wait();
  }
  EXPECT_NE(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "nothing was left";
  RecordingAgent agent({"--trigger.rules", "none"});
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  const auto listed = run({"lttng", "list"}).out;
  const auto first = listed.find("vmflow-");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(listed.find("vmflow-", listed.find('\n', first)), std::string::npos) << listed;
  EXPECT_EQ(agent->stop().status, 0);
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos);
}

TEST(TraceFailure, without_kvm_probes_the_backend_is_the_scheduler_and_the_ring) {
  LttngDaemon daemon({"--kmod-probes=sched,irq,block"});
  RecordingAgent agent({"--trigger.rules", "none"});
  EXPECT_TRUE(agent.wait_for_backend("lttng_sched+ring", 60)) << agent->process().err();
  Guest guest({"cpuid", "--count", "3001"});
  guest.truth();
  const auto asked = agent.ask({"--wait"});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const auto folder = agent.folder_of(agent.snapshots()[0]);
  const auto ring = count_names(events_of(folder + "/trace/ring"));
  const auto lttng = count_names(events_of(folder + "/trace/lttng"));
  EXPECT_GE(ring.at("kvm_x86_exit"), 3001);
  EXPECT_FALSE(lttng.contains("kvm_x86_exit"));
  EXPECT_TRUE(lttng.contains("sched_switch"));
}

TEST(TraceFailure, without_lttngs_modules_the_backend_is_the_ring) {
  const WithoutLttngModules without;
  LttngDaemon daemon;
  RecordingAgent agent({"--trigger.rules", "none"});
  EXPECT_TRUE(agent.wait_for_backend("ring"));
  Guest guest({"cpuid", "--count", "3001"});
  guest.truth();
  const auto asked = agent.ask({"--wait"});
  EXPECT_EQ(asked.status, 0) << asked.err;
  const auto ring = count_names(events_of(agent.folder_of(agent.snapshots()[0]) + "/trace/ring"));
  EXPECT_GE(ring.at("kvm_x86_exit"), 3001);
  EXPECT_NE(agent->process().err().find("lttng-modules"), std::string::npos)
      << agent->process().err();
  EXPECT_EQ(agent->stop().status, 0);
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos);
}

}  // namespace vmflow::lab
