// SPDX-License-Identifier: GPL-2.0-only
// Label lab: many scrapes. The agent and the VMs are in the lab, the one who scrapes is outside, as
// a Prometheus is: it would only slow the emulated CPUs down.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "fall_watch.h"
#include "figure.h"
#include "guest.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

/// One VM that lives as long as the lab, and VMs of all kinds that come and go, until the lab is
/// ended.
constexpr const char* kGuests = R"(
  "$1" --web.listen-address 0.0.0.0:"$3" --collector.vcpu.per-vcpu &
  sleep 1
  "$2" hlt --count 100000000 --period-us 30000 --vcpus 2 --max-seconds 1000000 >/dev/null &
  while :; do
    for guest in "mixed --seconds 0.3 --period-us 2000 --us 300" "hlt --count 100 --period-us 10000 --repeat 2" \
                 "cpuid --count 101 --repeat 3 --vms 2" "pio --count 20 --us 5000"; do
      "$2" $guest >/dev/null
      sleep 2
    done
  done
)";

/// Sums that must hold on every page.
void check_sums(const Page& page) {
  for (const auto& info : page.find("vmflow_vm_info")) {
    const Labels vm{{"vm", info.labels.at("vm")}};
    const auto times = times_of(page, info.labels.at("vm"));
    for (const auto& [state, value] : times.state) {
      Labels with_state = vm;
      with_state["state"] = state;
      EXPECT_NEAR(page.sum("vmflow_vcpu_seconds_total", with_state), value, 1e-6) << state;
      EXPECT_LE(page.sum("vmflow_vm_open_wait_seconds", with_state), value + 1e-6) << state;
    }
    EXPECT_NEAR(page.sum("vmflow_vm_halt_poll_success_seconds_total", vm) +
                    page.sum("vmflow_vm_halt_poll_fail_seconds_total", vm),
                times.state.at("halt_poll"), 1e-6);
    Labels halted = vm;
    halted["state"] = "halted";
    EXPECT_NEAR(page.sum("vmflow_vm_wait_seconds_total", vm) +
                    page.sum("vmflow_vm_open_wait_seconds", halted),
                times.state.at("halted"), 1e-6);
    Labels blocked = vm;
    blocked["state"] = "vmm_blocked";
    EXPECT_NEAR(page.sum("vmflow_vm_blocked_seconds_total", vm) +
                    page.sum("vmflow_vm_open_wait_seconds", blocked),
                times.state.at("vmm_blocked"), 1e-6);
    Labels ready = vm;
    ready["state"] = "ready";
    EXPECT_NEAR(page.sum("vmflow_vm_ready_by_culprit_seconds_total", vm) +
                    page.sum("vmflow_vm_open_wait_seconds", ready),
                times.state.at("ready"), 1e-6);
    EXPECT_LE(page.sum("vmflow_vm_exit_seconds_total", vm),
              times.state.at("kvm") + times.state.at("vmm") + 1e-6);
  }
}

}  // namespace

TEST(Scrapes, never_see_a_counter_fall_or_a_sum_that_does_not_hold) {
  const char* wanted = std::getenv("VMFLOW_SCRAPES");
  const int scrapes = wanted != nullptr ? std::atoi(wanted) : 10000;
  const auto port = free_port();
  Process lab({LAB_PATH, "--publish", std::to_string(port), "--timeout", "1000", "--", "sh", "-c",
               kGuests, "guests", vmflowd_path(), ground_truth_path(), std::to_string(port)});
  PageReader reader(port);
  while (!reader.is_ready()) {
    ASSERT_TRUE(lab.is_running()) << lab.err();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  FallWatch watch;
  std::mt19937 random(11);
  std::uniform_int_distribution<int> pause_us(0, 3000);
  const Stopwatch began;
  int done = 0;
  for (; done < scrapes && !HasFailure(); done++) {
    std::this_thread::sleep_for(std::chrono::microseconds(pause_us(random)));
    const auto page = reader.read();
    for (const auto& fall : watch.look(page)) ADD_FAILURE() << fall;
    check_sums(page);
    if (done % 2500 == 2499) figure("{} scrapes, {:.0f} s", done + 1, began.seconds());
  }
  const auto page = reader.read();
  figure("{} scrapes in {:.0f} s; counters held {}, slots torn {}, VMs departed {}", done,
         began.seconds(), page.sum("vmflow_counters_held_total"),
         page.sum("vmflow_slots_torn_total"), page.sum("vmflow_departed_vms_total"));
  EXPECT_GT(page.sum("vmflow_departed_vms_total"), 0);
  EXPECT_TRUE(has_only_stalled_wakeups(page));
  lab.signal(SIGTERM);
  lab.wait();
}

}  // namespace vmflow::lab
