// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --tickless: a guest that has a CPU to itself. The tick of an emulated CPU, 250
// exits a second of 40 to 70 us, is more than the percent that this looks for.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

}  // namespace

TEST(Alone, on_its_cpu_a_spinner_is_in_the_guest) {
  Guest guest({"spin", "--seconds", "6", "--pin", "1"});
  const auto vcpu = guest.truth()["vms"][0]["vcpus"][0];
  const auto page = agent().scrape();
  const auto times = times_of(page, page.vm_of(guest.pid()));
  const auto running = times.sum - after_return(vcpu);
  figure("one spinner alone: guest {:.3f} %", 100 * times.state.at("guest") / running);
  EXPECT_GE(times.state.at("guest"), 0.99 * running);
}

}  // namespace vmflow::lab
