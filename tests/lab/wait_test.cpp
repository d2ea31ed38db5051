// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what halted vCPUs waited for, against guests that wait for one thing only.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

constexpr const char* kReasons[] = {"timer",  "disk",   "net",         "task",
                                    "memory", "device", "passthrough", "unknown"};

void show_head() {
  std::string line = fmt::format("{:<34} {:<7} {:>8}", "guest", "truth", "halted s");
  for (const auto* reason : kReasons) line += fmt::format(" {:>11}", reason);
  figure("{}", line);
}

/// One row of the confusion matrix; seconds by reported reason.
std::map<std::string, double> show_row(const Page& page, const std::string& vm,
                                       const std::string& what, const std::string& truth) {
  std::map<std::string, double> waits;
  const double halted = times_of(page, vm).state.at("halted");
  std::string line = fmt::format("{:<34} {:<7} {:>8.3f}", what, truth, halted);
  for (const auto* reason : kReasons) {
    waits[reason] = page.sum("vmflow_vm_wait_seconds_total", {{"vm", vm}, {"reason", reason}});
    line += fmt::format(" {:>10.2f}%", 100 * waits[reason] / halted);
  }
  figure("{}", line);
  return waits;
}

}  // namespace

TEST(Wait, has_the_reason_that_the_guest_was_built_to_have) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> workloads = {
      {"timer", {"hlt", "--count", "150", "--period-us", "20000"}},
      {"timer", {"hlt", "--count", "150", "--period-us", "20000", "--timer-vector", "53"}},
      {"timer", {"hlt", "--count", "2003", "--period-us", "1000", "--vcpus", "2"}},
      {"device", {"irq", "--count", "150", "--period-us", "20000"}},
      {"device", {"irq", "--count", "1001", "--period-us", "2000", "--pin", "1"}},
  };
  show_head();
  for (const auto& [truth, arguments] : workloads) {
    Guest guest(arguments);
    guest.truth();
    const auto page = agent().scrape();
    const auto vm = page.vm_of(guest.pid());
    const auto waits = show_row(page, vm, fmt::format("{}", fmt::join(arguments, " ")), truth);
    const double halted = times_of(page, vm).state.at("halted");
    EXPECT_GE(waits.at(truth), 0.95 * halted);
    EXPECT_LE(waits.at("unknown"), 0.02 * halted);
    EXPECT_GT(halted, 0.5);
  }
}

// The second vCPU waits for the first one's IPI, the first one for its own timer: as long.
TEST(Wait, for_a_sibling_is_a_task_wait) {
  Guest guest({"ipi", "--count", "150", "--period-us", "20000"});
  guest.truth();
  const auto page = agent().scrape();
  const auto vm = page.vm_of(guest.pid());
  show_head();
  const auto waits = show_row(page, vm, "ipi --count 150 --period-us 20000", "half");
  const double second = times_of_vcpu(page, vm, 1).state.at("halted");
  const double first = times_of_vcpu(page, vm, 0).state.at("halted");
  figure("first vCPU halted {:.3f} s (timer {:.3f} s), second {:.3f} s (task {:.3f} s)", first,
         waits.at("timer"), second, waits.at("task"));
  EXPECT_NEAR(waits.at("task"), second, 0.05 * second);
  EXPECT_NEAR(waits.at("timer"), first, 0.05 * first);
  EXPECT_LE(waits.at("unknown"), 0.02 * (first + second));
}

}  // namespace vmflow::lab
