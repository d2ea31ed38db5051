// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: the states of time against what the VMM, KVM and the scheduler say.
// Virtual time that counts instructions, because emulated CPUs otherwise stand still between any
// two: a stall between the VMM's clock reading and the event would be the larger part of a percent.
#include <gtest/gtest.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

}  // namespace

TEST(Ready, of_cpu_bound_vms_that_share_a_cpu_is_their_run_delay) {
  Guest one({"spin", "--seconds", "6", "--pin", "0"});
  Guest other({"spin", "--seconds", "6", "--pin", "0"});
  for (auto* guest : {&one, &other}) {
    const auto vcpu = guest->truth()["vms"][0]["vcpus"][0];
    const auto page = agent().scrape();
    const auto times = times_of(page, page.vm_of(guest->pid()));
    const auto delay = seconds(vcpu["schedstat"]["run_delay_ns"]);
    const auto ready = times.state.at("ready");
    figure("two spinners on one CPU: ready {:.4f} s ({:.1f} %), run delay {:.4f} s, {:+.3f} %",
           ready, 100 * ready / times.sum, delay, 100 * (ready / delay - 1));
    EXPECT_NEAR(ready, delay, 0.02 * delay);
    EXPECT_NEAR(ready / times.sum, 0.5, 0.05);
  }
}

TEST(Halt, woken_every_20_ms_is_idle) {
  Guest guest({"hlt", "--count", "250", "--period-us", "20000", "--pin", "0"});
  const auto vcpu = guest.truth()["vms"][0]["vcpus"][0];
  const auto page = agent().scrape();
  const auto vm = page.vm_of(guest.pid());
  const auto times = times_of(page, vm);
  const auto idle = times.state.at("halted") + times.state.at("halt_poll");
  const auto wakeups = page.sum("vmflow_vm_halt_wakeups_total", {{"vm", vm}});
  const auto kvm_wakeups = vcpu["kvm_stats"]["halt_wakeup"].get<double>() +
                           vcpu["kvm_stats"]["halt_successful_poll"].get<double>();
  figure("HLT every 20 ms: halted + halt_poll {:.2f} %, {} wake-ups of 250 (KVM: {})",
         100 * idle / times.sum, wakeups, kvm_wakeups);
  EXPECT_GE(idle, 0.9 * times.sum);
  EXPECT_EQ(wakeups, 250);
}

TEST(Halt, polling_is_what_kvm_says_it_was) {
  double all = 0;
  for (const auto* period : {"100", "120", "150"}) {
    Guest guest({"hlt", "--count", "4001", "--period-us", period, "--pin", "0"});
    const auto vcpu = guest.truth()["vms"][0]["vcpus"][0];
    const auto page = agent().scrape();
    const auto vm = page.vm_of(guest.pid());
    const auto polled = times_of(page, vm).state.at("halt_poll");
    const auto kvm = seconds(vcpu["kvm_stats"]["halt_poll_success_ns"]) +
                     seconds(vcpu["kvm_stats"]["halt_poll_fail_ns"]);
    const auto parts = page.sum("vmflow_vm_halt_poll_success_seconds_total", {{"vm", vm}}) +
                       page.sum("vmflow_vm_halt_poll_fail_seconds_total", {{"vm", vm}});
    figure("HLT every {} us: halt_poll {:.4f} s, KVM {:.4f} s, {:+.2f} %", period, polled, kvm,
           kvm > 0 ? 100 * (polled / kvm - 1) : 0);
    all += kvm;
    EXPECT_NEAR(polled, kvm, 0.05 * kvm);
    EXPECT_NEAR(polled, parts, 1e-6);
  }
  EXPECT_GT(all, 0.01) << "it must have polled at all";
}

TEST(Vmm, that_burns_and_one_that_sleeps_are_told_apart) {
  Guest burns({"pio", "--count", "501", "--us", "5000", "--mode", "burn", "--pin", "0"});
  const auto burnt = burns.truth()["vms"][0]["vcpus"][0];
  auto page = agent().scrape();
  const auto vmm =
      times_of(page, page.vm_of(burns.pid())).state.at("vmm") - cpu_after_return(burnt);
  const auto burnt_s =
      seconds(burnt["pio"]["wall_ns"]) - times_of(page, page.vm_of(burns.pid())).state.at("ready");
  figure("VMM burns 5 ms an access: vmm {:.4f} s, truth {:.4f} s, {:+.2f} %", vmm, burnt_s,
         100 * (vmm / burnt_s - 1));
  EXPECT_NEAR(vmm, burnt_s, 0.03 * burnt_s);
  burns.release();

  Guest sleeps({"pio", "--count", "501", "--us", "5000", "--mode", "sleep", "--pin", "0"});
  const auto slept = sleeps.truth()["vms"][0]["vcpus"][0];
  page = agent().scrape();
  const auto times = times_of(page, page.vm_of(sleeps.pid()));
  const auto blocked = times.state.at("vmm_blocked");
  const auto truth =
      seconds(slept["pio"]["wall_ns"]) - seconds(slept["pio"]["cpu_ns"]) - times.state.at("ready");
  figure("VMM sleeps 5 ms an access: vmm_blocked {:.4f} s, truth {:.4f} s without ready, {:+.2f} %",
         blocked, truth, 100 * (blocked / truth - 1));
  EXPECT_NEAR(blocked, truth, 0.03 * truth);
}

}  // namespace vmflow::lab
