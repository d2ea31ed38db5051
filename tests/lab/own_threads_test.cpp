// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a Linux guest on one CPU with the thread that serves its disk or its network card: who
// holds the CPU while the vCPU is ready is its own VM.
#include <gtest/gtest.h>

#include "attempts.h"
#include "culprits.h"
#include "linux_phase.h"
#include "peer.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// Seconds of ready time that are worth a figure.
constexpr double kEnough = 0.05;

/// They are kernel threads before Linux 6.4, and run where they like.
void keep_vhost_workers_to_its_cpu(pid_t vmm) {
  std::istringstream tids(run({"pgrep", "-x", "vhost-" + std::to_string(vmm)}).out);
  for (std::string tid; tids >> tid;) must({"taskset", "-pc", "1", tid});
}

/// Ready time by culprit while the guest does its work, whose VMM has the second CPU alone. From
/// the beginning again if the emulated CPU makes the guest fail.
Culprits ready_in(LinuxGuestSetup setup, const std::string& what) {
  setup.work += ",go=1";
  setup.cpus = "1";
  return attempts(5, [&] {
    LinuxGuest guest(setup);
    guest.wait_for("ready");
    keep_vhost_workers_to_its_cpu(guest.pid());
    const auto before = agent().scrape();
    guest.begin();
    guest.wait_for_end();
    const auto after = agent().scrape();
    auto by = culprits_of(after, after.vm_of(guest.pid()));
    for (const auto& [culprit, seconds] : culprits_of(before, before.vm_of(guest.pid())))
      by[culprit] -= seconds;
    show_culprits(what, by, by["all"]);
    if (by["all"] <= kEnough) throw std::runtime_error("it was hardly ever ready");
    return by;
  });
}

void expect_own(const Culprits& by) {
  EXPECT_GT(by.at("all"), kEnough);
  EXPECT_GE(by.at("own_vm"), 0.95 * (by.at("all") - by.at("none")));
}

}  // namespace

TEST(OwnThreads, an_iothread_that_holds_the_cpu_is_its_own_vm) {
  must({"modprobe", "brd", "rd_nr=1", "rd_size=16384"});
  expect_own(ready_in(
      {.work = "disk,device=/dev/vda,count=1000",
       .qemu = {"-object", "iothread,id=own", "-drive",
                "file=/dev/ram0,format=raw,readonly=on,cache=none,if=none,id=disk,aio=native",
                "-device", "virtio-blk-pci,drive=disk,iothread=own"}},
      "a vCPU and its iothread"));
}

TEST(OwnThreads, a_vhost_worker_that_holds_the_cpu_is_its_own_vm) {
  load_net_modules();
  const Peer peer("vmflow0", "10.78.0.1", std::chrono::milliseconds(0));
  expect_own(ready_in({.work = "net,device=eth0,ip=10.78.0.2,peer=10.78.0.1,count=1000,patience=2",
                       .qemu = card("vmflow0", "on"),
                       .kernel = kWithoutIpv6},
                      "a vCPU and its vhost worker"));
}

}  // namespace vmflow::lab
