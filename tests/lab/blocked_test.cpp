// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: what a vCPU's thread sleeps in that does not halt.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

double blocked(const Page& page, const std::string& vm, const std::string& cause) {
  return page.sum("vmflow_vm_blocked_seconds_total", {{"vm", vm}, {"cause", cause}});
}

}  // namespace

TEST(Blocked, in_memory_that_comes_late_is_memory) {
  constexpr double kPages = 100, kDelay = 0.030;
  for (const bool interrupts : {false, true}) {
    std::vector<std::string> arguments = {"fault", "--count", "100", "--delay-us", "30000"};
    if (interrupts) arguments.emplace_back("--interrupts");
    Guest guest(arguments);
    guest.truth();
    const auto page = agent().scrape();
    const auto vm = page.vm_of(guest.pid());
    const double memory = blocked(page, vm, "memory");
    const double halted =
        page.sum("vmflow_vm_wait_seconds_total", {{"vm", vm}, {"reason", "memory"}});
    figure(
        "100 pages of 30 ms, interrupts {}: memory {:.4f} s blocked + {:.4f} s halted, {:+.2f} %; "
        "other {:.4f} s",
        interrupts ? "on" : "off", memory, halted,
        100 * ((memory + halted) / (kPages * kDelay) - 1), blocked(page, vm, "other"));
    EXPECT_NEAR(memory + halted, kPages * kDelay, 0.03 * kPages * kDelay);
    if (!interrupts) {
      EXPECT_EQ(halted, 0);
    }
  }
}

TEST(Blocked, in_a_vmm_that_sleeps_is_something_else) {
  Guest guest({"pio", "--count", "101", "--us", "10000", "--mode", "sleep"});
  guest.truth();
  const auto page = agent().scrape();
  const auto vm = page.vm_of(guest.pid());
  figure("101 accesses of 10 ms: other {:.4f} s, memory {:.4f} s, io {:.4f} s, lock {:.4f} s",
         blocked(page, vm, "other"), blocked(page, vm, "memory"), blocked(page, vm, "io"),
         blocked(page, vm, "lock"));
  EXPECT_NEAR(blocked(page, vm, "other"), 1.01, 0.03);
  EXPECT_LE(blocked(page, vm, "memory"), 0.01);
}

}  // namespace vmflow::lab
