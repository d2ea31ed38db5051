// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a budget that cannot be kept. Detail goes within seconds, the ledger never, and all
// comes back.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>

#include "figure.h"
#include "guest.h"
#include "new_folder.h"

namespace vmflow::lab {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kAll = 4;
constexpr std::chrono::milliseconds kBetweenLooks{200};

double level(const Page& page) {
  return page.sum("vmflow_detail_level");
}

double given_up(const Page& page, const char* detail) {
  return page.sum("vmflow_detail_given_up", {{"detail", detail}});
}

/// Seconds until a page is as it is wanted; nullopt if it never is.
std::optional<double> seconds_until(AgentProcess& agent, std::chrono::seconds most,
                                    const std::function<bool(const Page&)>& wanted) {
  const auto began = Clock::now();
  while (Clock::now() - began < most) {
    if (wanted(agent.scrape())) return std::chrono::duration<double>(Clock::now() - began).count();
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return std::nullopt;
}

std::vector<std::string> recording(const char* budget) {
  return {"--overhead.budget",
          budget,
          "--trigger.rules",
          "none",
          "--trace.mode",
          "flight",
          "--trace.dir",
          new_folder("governor"),
          "--trace.ring-mib-per-cpu",
          "4",
          "--no-trace.lttng"};
}

}  // namespace

TEST(Governor, gives_up_detail_in_a_storm_of_exits_and_takes_it_back_and_counts_each_exit) {
  constexpr double kCount = 150'001;
  AgentProcess agent(recording("0.0001%"));
  agent.wait_until_ready();
  ASSERT_TRUE(seconds_until(agent, std::chrono::seconds(10), [](const Page& page) {
    return level(page) == kAll &&
           page.sum("vmflow_trace_backend_available", {{"backend", "ring"}}) == 1;
  })) << "nothing runs: all is told, and the ring records";
  Guest guest({"cpuid", "--count", "150001", "--max-seconds", "120", "--wait-stdin"});
  guest.go();
  const auto down = seconds_until(agent, std::chrono::seconds(30),
                                  [](const Page& page) { return level(page) < kAll; });
  ASSERT_TRUE(down);
  const auto& truth = guest.truth();
  const auto page = agent.scrape();
  const auto vm = page.vm_of(guest.pid());
  const double cpuids = page.sum("vmflow_vm_exits_total", {{"vm", vm}, {"reason", "cpuid"}});
  figure(
      "a storm of exits with a budget of 0.0001 %: {:.2g} % of the host's CPU time, the first step "
      "down after {:.1f} s, then to level {} of 4; {} cpuid exits of {}, unaccounted {} s",
      page.sum("vmflow_overhead_ratio") * 100, *down, level(page), cpuids, kCount,
      page.sum("vmflow_vm_vcpu_unaccounted_seconds_total"));
  EXPECT_LE(*down, 3);
  EXPECT_EQ(given_up(page, "recorder"), 1);
  EXPECT_EQ(given_up(page, "durations"), 1);
  EXPECT_EQ(page.sum("vmflow_trace_backend_available", {{"backend", "ring"}}), 0);
  EXPECT_EQ(cpuids, kCount) << "exits are counted at every level";
  EXPECT_EQ(page.sum("vmflow_vm_vcpu_unaccounted_seconds_total"), 0);
  const auto times = times_of(page, vm);
  const auto& vcpu = truth["vms"][0]["vcpus"][0];
  EXPECT_NEAR(times.sum, wall(vcpu), 0.1 + after_return(vcpu)) << "the ledger is whole";
  guest.release();
  const auto up = seconds_until(agent, std::chrono::seconds(90),
                                [](const Page& page) { return level(page) == kAll; });
  ASSERT_TRUE(up) << agent.scrape().text();
  const auto after = agent.scrape();
  figure("all of it again {:.1f} s after the storm; {} steps down, {} up", *up,
         after.sum("vmflow_detail_changes_total", {{"direction", "down"}}),
         after.sum("vmflow_detail_changes_total", {{"direction", "up"}}));
  EXPECT_EQ(after.sum("vmflow_overhead_state", {{"state", "within_budget"}}), 1);
  EXPECT_TRUE(seconds_until(agent, std::chrono::seconds(5), [](const Page& page) {
    return page.sum("vmflow_trace_backend_available", {{"backend", "ring"}}) == 1;
  })) << "it records again";
}

TEST(Governor, what_ends_halts_is_unknown_while_it_is_given_up_and_told_again_after) {
  AgentProcess agent(recording("0"));
  agent.wait_until_ready();
  Guest guest({"hlt", "--count", "6007", "--period-us", "2000", "--max-seconds", "120"});
  const auto down = seconds_until(agent, std::chrono::seconds(20),
                                  [](const Page& page) { return given_up(page, "causes") == 1; });
  ASSERT_TRUE(down) << agent.scrape().text();
  const auto before = agent.scrape();
  const Labels vm{{"vm", before.vm_of(guest.pid())}};
  const auto wait = [&](const Page& page, const char* reason) {
    auto labels = vm;
    labels["reason"] = reason;
    return page.sum("vmflow_vm_wait_seconds_total", labels);
  };
  const auto& truth = guest.truth();
  const auto page = agent.scrape();
  const double timer = wait(page, "timer") - wait(before, "timer");
  const double unknown = wait(page, "unknown") - wait(before, "unknown");
  const auto times = times_of(page, vm.at("vm"));
  const auto& vcpu = truth["vms"][0]["vcpus"][0];
  figure(
      "causes given up after {:.1f} s: of the halts since then {:.3f} s unknown, {:.3f} s timer; "
      "halted {:.3f} s of {:.3f} s, unaccounted {} s",
      *down, unknown, timer, times.state.at("halted"), times.sum, times.unaccounted);
  EXPECT_GT(unknown, 1);
  EXPECT_LT(timer, 0.05 * unknown);
  EXPECT_NEAR(times.sum, wall(vcpu), 0.1 + after_return(vcpu));
  EXPECT_EQ(times.unaccounted, 0);
  guest.release();
  ASSERT_TRUE(seconds_until(agent, std::chrono::seconds(120),
                            [](const Page& page) { return level(page) == kAll; }));
}

// The default is for hardware, where a program takes a hundredth of what it takes here.
TEST(Governor, holds_no_budget_on_an_emulated_cpu_unless_it_is_asked_to) {
  AgentProcess agent;
  agent.wait_until_ready();
  const auto page = agent.scrape();
  EXPECT_EQ(page.sum("vmflow_overhead_state", {{"state", "off"}}), 1);
  EXPECT_FALSE(page.has("vmflow_overhead_budget_ratio"));
  EXPECT_EQ(level(page), kAll);
}

}  // namespace vmflow::lab
