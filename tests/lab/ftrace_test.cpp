// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: the same run seen by vmflow and by ftrace.
#include "ftrace.h"

#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <sstream>

#include "figure.h"
#include "guest.h"

namespace vmflow::lab {
namespace {

struct SchedTimes {
  double woken = 0;      ///< sum of sched_waking to switch-in
  double preempted = 0;  ///< sum of switch-out while runnable to switch-in
  double on_cpu = 0;
  int wakeups = 0;
};

/// What ftrace's own record says of a vCPU thread from its first KVM_RUN to its end.
SchedTimes times_in(const std::string& trace, const Json& vcpu) {
  const int tid = vcpu["tid"];
  const double first = seconds(vcpu["first_run_ns"]), last = exit_seconds(trace, tid);
  static const std::regex kEvent(R"(\s(\d+\.\d+): (sched_waking|sched_switch): (.*))");
  const auto tag = [&](const char* key) { return std::string(key) + std::to_string(tid) + " "; };
  const std::string woken = tag(" pid="), out = tag(" prev_pid="), in = tag(" next_pid=");
  SchedTimes times;
  double waking = 0, preempted = 0, since_in = first;
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (line.find(std::to_string(tid)) == std::string::npos ||
        !std::regex_search(line, match, kEvent))
      continue;
    const double at = std::stod(match[1]);
    if (at < first || at > last) continue;
    const std::string what = " " + match[3].str() + " ";
    if (match[2] == "sched_waking" && what.find(woken) != std::string::npos) {
      waking = at;
      times.wakeups++;
    } else if (match[2] == "sched_switch" && what.find(out) != std::string::npos) {
      if (since_in != 0) times.on_cpu += at - since_in;
      preempted = what.find("prev_state=R") != std::string::npos ? at : 0;
      if (preempted != 0) waking = 0;
      since_in = 0;
    } else if (match[2] == "sched_switch" && what.find(in) != std::string::npos) {
      if (preempted != 0)
        times.preempted += at - preempted;
      else if (waking != 0)
        times.woken += at - waking;
      waking = preempted = 0;
      since_in = at;
    }
  }
  if (since_in != 0) times.on_cpu += last - since_in;
  return times;
}

}  // namespace

TEST(Ready, of_vms_that_sleep_and_wake_is_what_ftrace_recorded) {
  // Before the agent: what is attached first runs first, and ftrace's probe takes the same time for
  // every event.
  Ftrace ftrace({"sched_switch", "sched_waking", "sched_process_exit"});
  keep_to_first_cpu();
  AgentProcess agent;
  agent.wait_until_ready();
  const std::vector<std::vector<std::string>> workloads = {
      {"hlt", "--count", "600", "--period-us", "10000", "--pin", "0"},
      {"mixed", "--seconds", "6", "--period-us", "3000", "--us", "700", "--pin", "0"},
      {"mixed", "--seconds", "6", "--period-us", "3000", "--us", "1300", "--pin", "0"}};
  std::vector<std::unique_ptr<Guest>> guests;
  for (const auto& workload : workloads) guests.push_back(std::make_unique<Guest>(workload));
  for (const auto& guest : guests) guest->truth();
  const auto page = agent.scrape();
  ftrace.stop();
  const auto trace = ftrace.lines();
  ASSERT_EQ(ftrace.lost(), 0);
  for (const auto& guest : guests) {
    const auto vcpu = guest->truth()["vms"][0]["vcpus"][0];
    const auto expected = times_in(trace, vcpu);
    const auto times = times_of(page, page.vm_of(guest->pid()));
    const double ready = times.state.at("ready");
    const double truth = expected.woken + expected.preempted;
    figure(
        "sleeps and wakes, shared CPU: ready {:.4f} s, ftrace {:.4f} s ({} wake-ups {:.4f} s, "
        "preempted {:.4f} s), {:+.2f} %",
        ready, truth, expected.wakeups, expected.woken, expected.preempted,
        100 * (ready / truth - 1));
    EXPECT_NEAR(ready, truth, 0.02 * truth);
    figure("  on CPU {:.4f} s, ftrace {:.4f} s, {:+.2f} %", times.on_cpu, expected.on_cpu,
           100 * (times.on_cpu / expected.on_cpu - 1));
    EXPECT_NEAR(times.on_cpu, expected.on_cpu, 0.01 * expected.on_cpu);
    EXPECT_GT(expected.wakeups, 300);
  }
}

}  // namespace vmflow::lab
