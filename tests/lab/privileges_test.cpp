// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: what vmflowd may do, as the kernel tells it of every thread, and that
// all works without. Starts in a lab whose KVM is not loaded.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "figure.h"
#include "lttng_daemon.h"
#include "recording_agent.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

constexpr int kCpuids = 3001;
// bpf, perfmon, syslog, dac_read_search: linux/capability.h.
constexpr uint64_t kToAttach = 1ull << 39 | 1ull << 38 | 1ull << 34 | 1ull << 2;

using Status = std::map<std::string, std::string>;

/// The first word of each field, of each thread.
std::map<std::string, Status> threads_of(pid_t pid) {
  std::map<std::string, Status> threads;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::ifstream file(task.path() / "status");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string name, value;
      words >> name >> value;
      threads[task.path().filename()][name] = value;  // none of one that has just ended
    }
  }
  return threads;
}

uint64_t bits(const Status& status, const std::string& set) {
  return std::stoull(status.at(set), nullptr, 16);
}

void expect_nothing_left(pid_t pid, const std::string& uid) {
  const auto threads = threads_of(pid);
  figure("{} threads of user {}", threads.size(), uid);
  EXPECT_GT(threads.size(), 5u);
  for (const auto& [tid, status] : threads) {
    for (const auto* set : {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"})
      EXPECT_EQ(bits(status, set), 0u) << set << " of " << tid;
    EXPECT_EQ(status.at("Uid:"), uid) << tid;
    EXPECT_EQ(status.at("NoNewPrivs:"), "1") << tid;
    EXPECT_EQ(status.at("Seccomp:"), "2") << tid;
  }
}

void wait_until_confined(AgentProcess& agent) {
  const Stopwatch watch;
  while (agent.scrape().sum("vmflow_agent_confined", {{"by", "system_call_filter"}}) == 0) {
    ASSERT_LT(watch.seconds(), 60) << agent.process().err();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

/// What a stock Debian hides from who has no right to see it; the lab shows it to everybody.
void hide_as_debian_does() {
  std::ofstream("/proc/sys/kernel/perf_event_paranoid") << "3\n";
  std::ofstream("/proc/sys/kernel/kptr_restrict") << "1\n";
  std::ofstream("/proc/sys/kernel/unprivileged_bpf_disabled") << "2\n";
}

/// System calls that the kernel has refused, as its log tells them.
std::vector<std::string> refused_calls() {
  std::vector<std::string> lines;
  std::istringstream log(run({"dmesg"}).out);
  for (std::string line; std::getline(log, line);)
    if (line.find("type=1326") != std::string::npos) lines.push_back(line);
  return lines;
}

std::set<uid_t> owners_below(const std::string& folder) {
  std::set<uid_t> owners;
  struct stat status {};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (lstat(entry.path().c_str(), &status) == 0) owners.insert(status.st_uid);
  return owners;
}

uid_t owner_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
}

constexpr uid_t kNobody = 65534;

}  // namespace

/// First: it loads KVM for the tests after it.
TEST(Privileges, until_kvm_is_loaded_one_thread_may_attach_and_afterwards_none) {
  hide_as_debian_does();
  AgentProcess agent;
  while (agent.status_of("/-/healthy") != 200)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto pid = agent.process().pid();
  int holders = 0;
  for (const auto& [tid, status] : threads_of(pid)) {
    for (const auto* set : {"CapInh:", "CapBnd:", "CapAmb:"})
      EXPECT_EQ(bits(status, set), 0u) << set << " of " << tid;
    EXPECT_EQ(bits(status, "CapEff:"), bits(status, "CapPrm:")) << tid;
    if (bits(status, "CapPrm:") == 0) continue;
    holders++;
    EXPECT_EQ(bits(status, "CapPrm:"), kToAttach) << tid;
  }
  EXPECT_EQ(holders, 1);
  auto page = agent.scrape();
  for (const auto* name : {"bpf", "perfmon", "syslog", "dac_read_search"})
    EXPECT_EQ(page.sum("vmflow_agent_capability_held", {{"capability", name}}), 1) << name;
  EXPECT_EQ(page.sum("vmflow_agent_capability_held"), 4);
  EXPECT_EQ(page.sum("vmflow_agent_confined", {{"by", "unprivileged_user"}}), 1);
  EXPECT_EQ(page.sum("vmflow_agent_confined", {{"by", "no_new_privs"}}), 1);
  EXPECT_EQ(page.sum("vmflow_agent_confined", {{"by", "system_call_filter"}}), 0);

  ASSERT_EQ(run({"modprobe", "kvm_amd"}).status, 0);
  agent.wait_until_ready();
  wait_until_confined(agent);
  expect_nothing_left(pid, std::to_string(kNobody));
  page = agent.scrape();
  EXPECT_EQ(page.sum("vmflow_agent_capability_held"), 0);
  EXPECT_EQ(page.find("vmflow_agent_capability_held").size(), 5u);
  EXPECT_EQ(page.sum("vmflow_agent_confined"), 3);
  const auto log = agent.process().err();
  EXPECT_NE(log.find("until then: capabilities: cap_bpf cap_perfmon"), std::string::npos) << log;
  EXPECT_NE(log.find("all is attached: capabilities: none"), std::string::npos) << log;
  EXPECT_EQ(log.find("does not let vmflow see disk requests"), std::string::npos) << log;
}

TEST(Privileges, nothing_is_missed_without_any) {
  LttngDaemon daemon;
  RecordingAgent agent({"--trigger.rules", "none"});
  wait_until_confined(*agent);
  expect_nothing_left(agent->process().pid(), std::to_string(kNobody));
  // What cap_dac_read_search and cap_sys_admin were for.
  const auto log = agent->process().err();
  EXPECT_EQ(log.find("does not let vmflow see"), std::string::npos) << log;
  EXPECT_NE(log.find("compared with the tracepoint's own, all equal"), std::string::npos) << log;
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring", 60)) << agent->process().err();
  Guest halts({"hlt", "--count", "60000", "--period-us", "1000", "--pin", "1", "-name", "web"});
  // LTTng's buffers have their size then: making them larger forgets what was in them.
  std::this_thread::sleep_for(std::chrono::seconds(12));
  Guest guest({"cpuid", "--count", std::to_string(kCpuids), "-name", "mail"});
  guest.truth();
  // As root's process, of which only what everybody may read is read.
  auto page = agent->scrape();
  const auto vm = page.vm_of(guest.pid());
  EXPECT_EQ(page.sum("vmflow_vm_exits_total", {{"vm", vm}, {"reason", "cpuid"}}), kCpuids);
  EXPECT_TRUE(page.has("vmflow_vm_info", {{"vm", vm}, {"name", "mail"}}));
  EXPECT_GT(page.sum("vmflow_vm_thread_cpu_seconds_total", {{"vm", vm}}), 0);
  // What cap_syslog was for: a wake-up out of an interrupt is told.
  EXPECT_GT(page.sum("vmflow_vm_wait_seconds_total",
                     {{"vm", page.vm_of(halts.pid())}, {"reason", "timer"}}),
            1);
  EXPECT_EQ(page.sum("vmflow_events_dropped_total"), 0);
  EXPECT_EQ(page.sum("vmflow_scrape_collector_success"),
            static_cast<double>(page.find("vmflow_scrape_collector_success").size()));

  const auto asked = agent.ask({"--reason", "a look", "--wait"});
  ASSERT_EQ(asked.status, 0) << asked.err;
  const auto snapshot = agent.snapshots()[0];
  const auto report = agent.wait_for_report(snapshot["id"]);
  EXPECT_FALSE(report["crosscheck"]["rows"].empty()) << agent->process().err();
  const auto folder = agent.folder_of(snapshot);
  for (const auto* part : {"/trace/ring", "/trace/lttng"}) {
    int cpuids = 0;
    for (const auto& line : events_of(folder + part))
      cpuids += line.find("kvm_x86_exit") != std::string::npos &&
                line.find("exit_reason = 114,") != std::string::npos;
    figure("{}: {} CPUIDs", part, cpuids);
    EXPECT_EQ(cpuids, kCpuids);
  }
  EXPECT_EQ(owners_below(folder), std::set<uid_t>{kNobody});
  const auto processes = agent->get("/api/v1/vms");
  EXPECT_NE(processes.find("mail"), std::string::npos) << processes;
  expect_nothing_left(agent->process().pid(), std::to_string(kNobody));
  EXPECT_EQ(agent->stop().status, 0);
  EXPECT_EQ(run({"lttng", "list"}).out.find("vmflow"), std::string::npos) << "no session is left";
}

TEST(Privileges, root_stays_root_where_it_is_asked_to_and_leaves_its_snapshots_to_the_next_user) {
  std::string folder;
  {
    RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng", "--user", "root"});
    wait_until_confined(*agent);
    expect_nothing_left(agent->process().pid(), "0");
    EXPECT_EQ(agent->scrape().sum("vmflow_agent_confined", {{"by", "unprivileged_user"}}), 0);
    Guest guest({"cpuid", "--count", "3001"});
    guest.truth();
    ASSERT_EQ(agent.ask({"--wait"}).status, 0);
    agent.wait_for_report(agent.snapshots()[0]["id"]);
    folder = agent.folder();
    EXPECT_EQ(agent->stop().status, 0);
  }
  EXPECT_EQ(owners_below(folder), std::set<uid_t>{0});
  std::filesystem::create_directories(folder + "/somebody's");
  RecordingAgent agent(
      {"--trigger.rules", "none", "--no-trace.lttng", "--trace.dir", folder, "--user", "nobody"});
  const auto kept = agent.snapshots();
  ASSERT_EQ(kept.size(), 1u) << agent->process().err();
  EXPECT_EQ(owner_of(folder), kNobody);
  EXPECT_EQ(owners_below(agent.folder_of(kept[0])), std::set<uid_t>{kNobody});
  EXPECT_EQ(owner_of(folder + "/somebody's"), 0u) << "what vmflowd did not make stays as it is";
}

TEST(Privileges, a_folder_that_holds_other_things_is_given_to_nobody) {
  const std::string folder = "/run/others";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/file") << "somebody's\n";
  AgentProcess agent({"--trace.dir", folder, "--no-trace.lttng"});
  agent.wait_until_ready();
  EXPECT_EQ(owner_of(folder), 0u);
  EXPECT_EQ(owner_of(folder + "/file"), 0u);
  EXPECT_NE(agent.process().err().find("snapshots are off"), std::string::npos)
      << agent.process().err();
}

TEST(Privileges, an_account_that_is_not_there_is_refused) {
  const auto refused = run({vmflowd_path(), "--user", "nowhere"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("no account 'nowhere'"), std::string::npos) << refused.err;
}

/// Last: of all that the agents of this program have done.
TEST(Privileges, no_system_call_was_refused) {
  for (const auto& line : refused_calls()) ADD_FAILURE() << line;
}

}  // namespace vmflow::lab
