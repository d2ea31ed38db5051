// SPDX-License-Identifier: GPL-2.0-only
// Label lab: the Linux guest that other tests use boots, does its work and says what it did.
#include "linux_guest.h"

#include <gtest/gtest.h>

#include "attempts.h"
#include "figure.h"
#include "shared_agent.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

// A file of a RAM disk's size is enough: what is tested here is the guest.
std::vector<std::string> some_disk() {
  return {"-drive", "driver=null-co,size=1048576,latency-ns=20000000,if=none,id=disk", "-device",
          "virtio-blk-pci,drive=disk"};
}

}  // namespace

TEST(LinuxGuest, says_what_it_did) {
  const auto truth = attempts(3, [] {
    const Stopwatch watch;
    LinuxGuest guest({.work = "disk,count=50,go=1", .qemu = some_disk(), .most_to_wait_s = 30});
    figure("up after {:.1f} s", watch.seconds());
    EXPECT_FALSE(agent().scrape().vm_of(guest.pid()).empty());
    guest.begin();
    auto said = guest.truth();
    guest.stop();
    return said;
  });
  for (const auto& [name, value] : truth) figure("{} {}", name, value);
  EXPECT_EQ(truth.at("reads"), 50);
  EXPECT_GE(truth.at("interrupts.virtio0-req.0"), 50);
  EXPECT_GE(truth.at("read_ns"), 50 * 20'000'000LL);
  EXPECT_NEAR(truth.at("ends_ns") - truth.at("begins_ns"), truth.at("read_ns"), 5e6);
}

TEST(LinuxGuest, has_a_timer_and_several_cpus) {
  int64_t begins = 0;
  const auto truth = attempts(3, [&] {
    LinuxGuest guest({.work = "timer,count=50", .vcpus = 2, .most_to_wait_s = 30});
    begins = std::stoll(guest.wait_for("work begins"));
    return guest.truth();
  });
  const auto ticks = truth.at("interrupts.LOC");
  figure("{} sleeps: {} timer interrupts in {:.3f} s", truth.at("ticks"), ticks,
         static_cast<double>(truth.at("ends_ns") - begins) / 1e9);
  EXPECT_EQ(truth.at("ticks"), 50);
  EXPECT_GE(ticks, 50);
  EXPECT_GE(truth.at("ends_ns"), begins + 50 * 20'000'000LL);
}

}  // namespace vmflow::lab
