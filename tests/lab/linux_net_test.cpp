// SPDX-License-Identifier: GPL-2.0-only
// Label lab: what a Linux guest waits for that asks a peer and waits for the answer, and one that
// sleeps by its timer.
#include <gtest/gtest.h>

#include "guest.h"
#include "linux_phase.h"
#include "peer.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

}  // namespace

TEST(LinuxNet, is_what_a_client_waits_for_with_and_without_vhost) {
  load_net_modules();
  constexpr auto kDelay = std::chrono::milliseconds(20);
  const Peer first("vmflow0", "10.78.0.1", kDelay), second("vmflow1", "10.78.1.1", kDelay);
  auto qemu = card("vmflow0", "off");
  const auto with_vhost = card("vmflow1", "on");
  qemu.insert(qemu.end(), with_vhost.begin(), with_vhost.end());
  const std::vector<Planned> plan = {
      {"net,device=eth0,ip=10.78.0.2,peer=10.78.0.1,count=100", "UDP over a tap, QEMU", "net"},
      {"net,device=eth1,ip=10.78.1.2,peer=10.78.1.1,count=100", "UDP over a tap, vhost", "net"},
  };
  const auto phases = run_phases({.qemu = qemu, .kernel = kWithoutIpv6}, plan);
  for (size_t i = 0; i < plan.size(); i++) {
    expect_reason(phases[i], plan[i].what, "net");
    EXPECT_EQ(phases[i].truth.at("unanswered"), 0) << plan[i].what;
  }
}

// A Linux guest has its timer on one vector, this ground-truth guest on another.
TEST(LinuxTimer, is_known_on_any_vector) {
  show_head();
  Waits odd;
  {
    Guest guest({"hlt", "--count", "100", "--period-us", "20000", "--timer-vector", "53"});
    odd = GuestPhase(guest).end("ground truth, timer on vector 53", "timer");
  }
  const auto phase = run_phases({}, {{"timer,count=100", "Linux 6.1", "timer"}}).front();
  figure("timer share {:.2f} % and {:.2f} %", 100 * share(odd, "timer"),
         100 * share(phase.reported, "timer"));
  expect_reason(phase, "Linux 6.1", "timer");
  EXPECT_GE(share(odd, "timer"), 0.95);
  EXPECT_NEAR(share(odd, "timer"), share(phase.reported, "timer"), 0.05);
}

}  // namespace vmflow::lab
