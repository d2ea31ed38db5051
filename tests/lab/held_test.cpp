// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: vCPUs that could run, and are kept from it on purpose.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "cgroup.h"
#include "figure.h"
#include "guest.h"
#include "shared_agent.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

VmTimes run_in(Cgroup& cgroup, std::vector<std::string> arguments) {
  arguments.emplace_back("--wait-stdin");
  Guest guest(arguments);
  cgroup.take(guest.pid());
  guest.go();
  guest.truth();
  const auto page = agent().scrape();
  auto times = times_of(page, page.vm_of(guest.pid()));
  guest.release();
  return times;
}

}  // namespace

TEST(Throttled, is_the_time_that_the_cgroup_says) {
  Cgroup cgroup("cpu");
  cgroup.set("cpu.max", "30000 100000");
  const auto times = run_in(cgroup, {"spin", "--seconds", "10", "--pin", "0"});
  const double truth = static_cast<double>(cgroup.number("cpu.stat", "throttled_usec")) / 1e6;
  figure("30 % quota, 10 s: throttled {:.4f} s, cgroup {:.4f} s, {:+.2f} %; ready {:.4f} s",
         times.state.at("throttled"), truth, 100 * (times.state.at("throttled") / truth - 1),
         times.state.at("ready"));
  EXPECT_GT(truth, 5);
  EXPECT_NEAR(times.state.at("throttled"), truth, 0.05 * truth);
  EXPECT_LE(times.state.at("ready"), 0.05 * truth);
}

TEST(Throttled, is_nothing_without_a_quota) {
  Cgroup cgroup("cpu");
  cgroup.set("cpu.max", "max 100000");
  const auto times = run_in(cgroup, {"spin", "--seconds", "2", "--pin", "0", "--vcpus", "2"});
  figure("no quota, 2 s: throttled {:.4f} s, ready {:.4f} s", times.state.at("throttled"),
         times.state.at("ready"));
  EXPECT_EQ(times.state.at("throttled"), 0);
  EXPECT_GT(times.state.at("ready"), 1);
}

TEST(Paused, is_how_long_a_vm_is_stopped) {
  Guest guest({"spin", "--seconds", "6", "--vcpus", "2"});
  // Not by a sleep: virtual time runs on while the lab waits for the program's file.
  const auto ran = [&](uint64_t vcpu) {
    const auto page = agent().scrape();
    return page.sum(
        "vmflow_vcpu_seconds_total",
        {{"vm", page.vm_of(guest.pid())}, {"vcpu", std::to_string(vcpu)}, {"state", "guest"}});
  };
  while (ran(0) < 0.2 || ran(1) < 0.2) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const Stopwatch stopped;
  kill(guest.pid(), SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  // Open: the wait has not ended, and is there all the same.
  const double least = stopped.seconds();
  auto page = agent().scrape();
  const double most = stopped.seconds();
  const auto paused = page.sum("vmflow_vm_open_wait_seconds",
                               {{"vm", page.vm_of(guest.pid())}, {"state", "paused"}});
  figure("stopped for {:.3f} to {:.3f} s: paused {:.3f} s on 2 vCPUs, still open", least, most,
         paused);
  EXPECT_GE(paused, 2 * least - 0.1);
  EXPECT_LE(paused, 2 * most);
  const double took = stopped.seconds();
  kill(guest.pid(), SIGCONT);
  guest.truth();
  page = agent().scrape();
  for (const uint64_t vcpu : {0, 1}) {
    const auto times = times_of_vcpu(page, page.vm_of(guest.pid()), vcpu);
    figure("vCPU {} paused {:.4f} s, stopped for {:.4f} s", vcpu, times.state.at("paused"), took);
    EXPECT_NEAR(times.state.at("paused"), took, 0.05);
  }
}

}  // namespace vmflow::lab
