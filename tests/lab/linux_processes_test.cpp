// SPDX-License-Identifier: GPL-2.0-only
// Label lab: processes inside a Linux guest, seen from its host alone, against what they accounted
// for themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "attempts.h"
#include "figure.h"
#include "linux_guest.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

/// The processes that ran in a phase, but for the guest's first one, which waits for them; the
/// longest first.
struct Seen {
  std::vector<Json> processes;
  double coverage = 0;
  double after_timer = 0;

  double guest_seconds() const {
    return std::accumulate(
        processes.begin(), processes.end(), 0.0,
        [](double sum, const Json& one) { return sum + one["guest_seconds"].get<double>(); });
  }
  double share(size_t i) const {
    return processes.at(i)["guest_seconds"].get<double>() / guest_seconds();
  }
};

/// Those with at least a twentieth of the longest one's time.
Seen seen_in(const Json& processes, const std::string& first_process) {
  Seen seen;
  seen.coverage = processes["coverage_ratio"];
  seen.after_timer = processes["after_timer_ratio"];
  for (const auto& one : processes["processes"])
    if (one["process"] != first_process) seen.processes.push_back(one);
  if (seen.processes.empty()) return seen;
  const double least = seen.processes[0]["guest_seconds"].get<double>() / 20;
  std::erase_if(seen.processes,
                [&](const Json& one) { return one["guest_seconds"].get<double>() < least; });
  return seen;
}

struct Phase {
  Seen seen;
  std::map<std::string, double> slowdown;  ///< by cause, while it worked
  std::string sentence;
  std::vector<double> shares;  ///< by the guest's own account, of its processes, in their order
  std::map<std::string, int64_t> truth;
};

std::vector<double> shares_in(const std::map<std::string, int64_t>& truth) {
  std::vector<double> cpu;
  for (const auto& [name, value] : truth)
    if (name.starts_with("cpu_ns.")) cpu.push_back(static_cast<double>(value));
  const double sum = std::accumulate(cpu.begin(), cpu.end(), 0.0);
  for (auto& one : cpu) one /= sum;
  return cpu;
}

Json processes_of(RecordingAgent& agent, pid_t pid) {
  const auto vm = agent->scrape().vm_of(pid);
  return Json::parse(agent->get("/api/v1/vms/" + vm + "/processes"));
}

/// Seconds by cause since the VM was first seen.
std::map<std::string, double> slowdown_of(RecordingAgent& agent, pid_t pid) {
  const auto page = agent->scrape();
  std::map<std::string, double> causes;
  for (const auto* cause : {"own_load", "guest_contention", "colocated_vm", "platform", "unknown"})
    causes[cause] =
        page.sum("vmflow_vm_slowdown_seconds_total", {{"vm", page.vm_of(pid)}, {"cause", cause}});
  return causes;
}

std::string verdict_on(RecordingAgent& agent, pid_t pid) {
  const auto vm = agent->scrape().vm_of(pid);
  return Json::parse(agent->get("/api/v1/vms/" + vm + "/verdict"))["sentence"];
}

/// Boots the guest, and lets it work once an agent records. The guest's first process spins until
/// then, so it is the first that is seen. Again if the emulated CPU makes the guest's kernel fail.
Phase run_phase(const std::string& work) {
  return attempts(8, [&] {
    LinuxGuest guest({.work = work + ",go=1", .cpus = "1"});
    RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng", "--trace.registers"});
    guest.wait_for("ready");
    const auto spinning = processes_of(agent, guest.pid());
    if (spinning["processes"].empty()) throw std::runtime_error(spinning.dump());
    const auto before = slowdown_of(agent, guest.pid());
    guest.begin();
    guest.wait_for_end();
    Phase phase;
    phase.slowdown = slowdown_of(agent, guest.pid());
    for (auto& [cause, seconds] : phase.slowdown) seconds -= before.at(cause);
    phase.sentence = verdict_on(agent, guest.pid());
    phase.seen = seen_in(processes_of(agent, guest.pid()), spinning["processes"][0]["process"]);
    phase.truth = guest.truth();
    // The guest's ticks may come just when the host's do, and then nothing tells when it changed
    // from one process to another: another boot has another phase.
    if (phase.seen.after_timer > 0.9)
      throw std::runtime_error(
          fmt::format("{:.3f} of its time is right after a tick", phase.seen.after_timer));
    phase.shares = shares_in(phase.truth);
    return phase;
  });
}

/// Its cause, but for the seconds until the processes were told.
std::string worst_of(const Phase& phase) {
  auto known = phase.slowdown;
  known.erase("unknown");
  return std::ranges::max_element(known, {}, [](const auto& one) { return one.second; })->first;
}

void show(const Phase& phase) {
  figure("{}", phase.sentence);
  for (const auto& [cause, seconds] : phase.slowdown)
    figure("while it worked: {} {:.3f} s", cause, seconds);
  figure("coverage {:.3f}, {:.3f} right after a tick", phase.seen.coverage, phase.seen.after_timer);
  for (size_t i = 0; i < phase.seen.processes.size(); i++) {
    const auto& one = phase.seen.processes[i];
    figure(
        "{:<16} {:7.3f} s in the guest, {:5.2f} % (the guest's account: {:5.2f} %), behind {:.3f} "
        "s, {} threads, woken by {}",
        one["process"].get<std::string>(), one["guest_seconds"].get<double>(),
        100 * phase.seen.share(i), i < phase.shares.size() ? 100 * phase.shares[i] : 0,
        one["behind_others_seconds"].get<double>(), one["threads"].get<int>(),
        one["wakers"].dump());
  }
}

}  // namespace

TEST(LinuxProcesses, that_compete_are_told_with_their_shares) {
  const auto phase = run_phase("processes,count=3,seconds=6");
  show(phase);
  ASSERT_EQ(phase.seen.processes.size(), 3u);
  for (size_t i = 0; i < 3; i++) EXPECT_NEAR(phase.seen.share(i), phase.shares[i], 0.05) << i;
  // Each could have run all the time.
  for (const auto& one : phase.seen.processes) {
    const double ran = one["guest_seconds"].get<double>() + one["host_seconds"].get<double>();
    const double followed = one["last_seconds"].get<double>() - one["first_seconds"].get<double>();
    EXPECT_NEAR(ran + one["behind_others_seconds"].get<double>(), followed, 0.1 * followed);
  }
  EXPECT_EQ(worst_of(phase), "guest_contention");
}

TEST(LinuxProcesses, threads_of_one_are_no_processes) {
  const auto phase = run_phase("processes,count=1,threads=2,seconds=4");
  show(phase);
  ASSERT_EQ(phase.seen.processes.size(), 1u);
  const auto& process = phase.seen.processes[0];
  EXPECT_EQ(process["threads"], 2);
  figure("{} switches from thread to thread, {} of them after a tick",
         process["thread_switches"].get<int>(), process["preempted_by_own_threads"].get<int>());
  EXPECT_GT(process["thread_switches"], 20) << "neither of them ever sleeps";
  EXPECT_GT(process["preempted_by_own_threads"], process["thread_switches"].get<int>() / 2);
  EXPECT_EQ(worst_of(phase), "own_load");
}

TEST(LinuxProcesses, that_wait_for_one_another_have_the_right_waker) {
  const auto phase = run_phase("pipeline,count=200,first_us=10000,second_us=5000");
  show(phase);
  ASSERT_EQ(phase.seen.processes.size(), 2u);
  for (size_t i = 0; i < 2; i++) EXPECT_NEAR(phase.seen.share(i), phase.shares[i], 0.05) << i;
  const auto &first = phase.seen.processes[0], &second = phase.seen.processes[1];
  ASSERT_FALSE(second["wakers"].empty());
  EXPECT_EQ(second["wakers"][0]["process"], first["process"]);
  // It has waited for most of what the first one computed, and was woken for each piece.
  EXPECT_GE(second["wakers"][0]["count"], 180);
  EXPECT_GE(second["wait_seconds"]["task"].get<double>(),
            0.7 * first["guest_seconds"].get<double>());
}

}  // namespace vmflow::lab
