// SPDX-License-Identifier: GPL-2.0-only
// Label lab: time on a CPU, beside the scheduler's own figure.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

constexpr double kLong = 5;  // s

/// A guest that executes CPUIDs for at least kLong. How many that takes is known only afterwards:
/// emulated CPUs differ by a factor of five, and one changes its speed while it runs.
std::unique_ptr<Guest> long_cpuid_guest() {
  for (double count = 5001;;) {
    auto guest = std::make_unique<Guest>(
        std::vector<std::string>{"cpuid", "--count", fmt::format("{:.0f}", count)});
    const double took = wall(guest->truth()["vms"][0]["vcpus"][0]);
    if (took >= kLong) return guest;
    count *= std::clamp(1.4 * kLong / took, 1.4, 20.0);
  }
}

std::unique_ptr<Guest> guest_of(const std::vector<std::string>& workload) {
  if (workload[0] == "cpuid") return long_cpuid_guest();
  return std::make_unique<Guest>(workload);
}

}  // namespace

TEST(OnCpu, states_of_busy_vcpus_sum_to_schedstat) {
  for (const auto& workload : std::vector<std::vector<std::string>>{
           {"spin", "--seconds", "6"},
           {"cpuid"},
           {"spin", "--seconds", "6", "--kick-every-ms", "5"},
           {"pio", "--count", "251", "--us", "20000", "--mode", "burn"}}) {
    const auto guest = guest_of(workload);
    const auto vcpu = guest->truth()["vms"][0]["vcpus"][0];
    const auto page = agent().scrape();
    const auto on_cpu = times_of(page, page.vm_of(guest->pid())).on_cpu - cpu_after_return(vcpu);
    const auto schedstat = seconds(vcpu["schedstat"]["on_cpu_ns"]);
    figure("{:<5} {:.1f} s: on CPU {:.6f} s, schedstat {:.6f} s, {:+.3f} %", workload[0],
           wall(vcpu), on_cpu, schedstat, 100 * (on_cpu / schedstat - 1));
    EXPECT_GE(wall(vcpu), kLong);
    EXPECT_NEAR(on_cpu, schedstat, 0.01 * schedstat);
  }
}

// A thread that is woken on an idle CPU is charged from its wake-up on: the kernel skips the clock
// update between the two. So schedstat holds a sleeper's on-CPU time and a part of its ready time.
TEST(OnCpu, of_vcpus_that_sleep_is_bracketed_by_schedstat) {
  for (const auto& workload : std::vector<std::vector<std::string>>{
           {"mixed", "--seconds", "6", "--period-us", "1000", "--us", "500"},
           {"hlt", "--count", "300", "--period-us", "20000"}}) {
    Guest guest(workload);
    const auto vcpu = guest.truth()["vms"][0]["vcpus"][0];
    const auto page = agent().scrape();
    const auto times = times_of(page, page.vm_of(guest.pid()));
    const auto on_cpu = times.on_cpu - cpu_after_return(vcpu);
    const auto ready = times.state.at("ready");
    const auto schedstat = seconds(vcpu["schedstat"]["on_cpu_ns"]);
    figure("{:<5} {:.1f} s: on CPU {:.4f} s <= schedstat {:.4f} s <= with ready {:.4f} s",
           workload[0], wall(vcpu), on_cpu, schedstat, on_cpu + ready);
    EXPECT_LE(on_cpu, 1.01 * schedstat);
    EXPECT_GE(on_cpu + ready, 0.99 * schedstat);
  }
}

}  // namespace vmflow::lab
