// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with three CPUs: how long a vCPU runs while a sibling is ready. The agent and the test
// keep to the first.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// What one look says of a VM.
struct Look {
  double skew = 0, wall = 0, ready = 0;
};

Look look_at(const Page& page, const std::string& vm, size_t vcpus) {
  const auto times = times_of(page, vm);
  return {page.sum("vmflow_vm_skew_seconds_total", {{"vm", vm}}),
          (times.sum + times.unaccounted) / static_cast<double>(vcpus), times.state.at("ready")};
}

/// From when all vCPUs run, for a while.
Look grown(Guest& guest, size_t vcpus, double least_on_cpu) {
  Page page = agent().scrape();
  std::string vm;
  const auto all_run = [&] {
    page = agent().scrape();
    vm = page.vm_of(guest.pid());
    if (vm.empty()) return false;
    for (uint64_t vcpu = 0; vcpu < vcpus; vcpu++)
      if (page.sum("vmflow_vcpu_seconds_total",
                   {{"vm", vm}, {"vcpu", std::to_string(vcpu)}, {"state", "guest"}}) < least_on_cpu)
        return false;
    return true;
  };
  while (!all_run()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto before = look_at(page, vm, vcpus);
  std::this_thread::sleep_for(std::chrono::seconds(4));
  const auto after = look_at(agent().scrape(), vm, vcpus);
  return {after.skew - before.skew, after.wall - before.wall, after.ready - before.ready};
}

}  // namespace

TEST(Skew, of_two_vcpus_on_one_cpu_is_all_of_their_time) {
  Guest guest({"spin", "--seconds", "12", "--pin", "1", "--vcpus", "2"});
  const auto look = grown(guest, 2, 0.2);
  figure("two on one CPU: skew {:.4f} s of {:.4f} s, {:.2f} %", look.skew, look.wall,
         100 * look.skew / look.wall);
  EXPECT_NEAR(look.skew, look.wall, 0.01 * look.wall);
  guest.truth();
}

TEST(Skew, of_two_vcpus_with_a_cpu_each_is_nothing) {
  Guest guest({"spin", "--seconds", "12", "--pin", "1,2", "--vcpus", "2"});
  const auto look = grown(guest, 2, 0.2);
  figure("a CPU each: skew {:.4f} s of {:.4f} s, {:.2f} %; ready {:.4f} s", look.skew, look.wall,
         100 * look.skew / look.wall, look.ready);
  // No more than the moments in which one of them was ready.
  EXPECT_LE(look.skew, look.ready + 1e-6);
  EXPECT_LE(look.skew, 0.01 * look.wall);
  guest.truth();
}

TEST(Skew, of_two_vcpus_that_another_vm_keeps_from_one_cpu_is_what_it_takes) {
  Guest guest({"spin", "--seconds", "16", "--pin", "1,2", "--vcpus", "2"});
  Guest other({"spin", "--seconds", "16", "--pin", "1"});
  grown(other, 1, 0.2);
  const auto look = grown(guest, 2, 0.2);
  figure("one of two shares its CPU: skew {:.4f} s, ready {:.4f} s of {:.4f} s", look.skew,
         look.ready, look.wall);
  // The other one always runs: whenever the one is ready there is skew.
  EXPECT_NEAR(look.skew, look.ready, 0.02 * look.ready);
  EXPECT_GT(look.skew, 0.3 * look.wall);
  guest.truth();
  other.truth();
}

// Three on two CPUs that go where the scheduler puts them, stopped and let go again in between: a
// vCPU too many in the sum would show from then on as skew where there is none.
TEST(Skew, does_not_drift) {
  Guest guest({"spin", "--seconds", "20", "--vcpus", "3", "--kick-every-ms", "3"});
  grown(guest, 3, 0.1);
  for (int i = 0; i < 20; i++) {
    kill(guest.pid(), SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    kill(guest.pid(), SIGCONT);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  kill(guest.pid(), SIGSTOP);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto vm = agent().scrape().vm_of(guest.pid());
  const auto before = look_at(agent().scrape(), vm, 3);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto after = look_at(agent().scrape(), vm, 3);
  figure("stopped for {:.3f} s after {:.3f} s of skew: {:.6f} s more", after.wall - before.wall,
         before.skew, after.skew - before.skew);
  EXPECT_EQ(after.skew, before.skew);
  EXPECT_GT(before.skew, 0.5);
  // One that dies while it is ready is out of it: nothing is left of three that are killed.
  kill(guest.pid(), SIGCONT);
  kill(guest.pid(), SIGKILL);
  Guest next({"spin", "--seconds", "8", "--pin", "1,2", "--vcpus", "2"});
  const auto look = grown(next, 2, 0.2);
  figure("the next VM with a CPU each: skew {:.4f} s of {:.4f} s", look.skew, look.wall);
  EXPECT_LE(look.skew, 0.01 * look.wall);
  next.truth();
}

}  // namespace vmflow::lab
