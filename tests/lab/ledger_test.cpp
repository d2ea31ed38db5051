// SPDX-License-Identifier: GPL-2.0-only
// Label lab, on two CPUs and with --icount: the ledger of guests whose truth is known by
// construction.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "figure.h"
#include "ftrace.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

double exits(const Page& page, const std::string& vm, const std::string& reason) {
  return page.sum("vmflow_vm_exits_total", {{"vm", vm}, {"reason", reason}});
}

/// The labels of all VMs of a process.
std::vector<std::string> vms_of(const Page& page, pid_t pid) {
  std::vector<std::string> vms;
  for (const auto& info : page.find("vmflow_vm_info", {{"pid", std::to_string(pid)}}))
    vms.push_back(info.labels.at("vm"));
  return vms;
}

}  // namespace

TEST(Exits, of_a_prime_number_of_cpuids_are_counted_exactly) {
  for (const int count : {3001, 30011}) {
    Guest guest({"cpuid", "--count", std::to_string(count)});
    guest.truth();
    const auto page = agent().scrape();
    const auto seen = exits(page, page.vm_of(guest.pid()), "cpuid");
    figure("{} CPUIDs: {} exits", count, seen);
    EXPECT_EQ(seen, count);
    guest.release();
  }
}

TEST(Exits, of_two_vms_at_once_are_kept_apart) {
  Guest one({"cpuid", "--count", "7919"});
  Guest other({"cpuid", "--count", "5003"});
  one.truth();
  other.truth();
  const auto page = agent().scrape();
  figure("7919 and 5003 CPUIDs at once: {} and {} exits",
         exits(page, page.vm_of(one.pid()), "cpuid"),
         exits(page, page.vm_of(other.pid()), "cpuid"));
  EXPECT_EQ(exits(page, page.vm_of(one.pid()), "cpuid"), 7919);
  EXPECT_EQ(exits(page, page.vm_of(other.pid()), "cpuid"), 5003);
}

TEST(Exits, to_userspace_are_counted_exactly) {
  Guest guest({"pio", "--count", "211", "--us", "1000"});
  const auto truth = guest.truth();
  const auto page = agent().scrape();
  const auto vm = page.vm_of(guest.pid());
  const auto io = page.sum("vmflow_vm_userspace_exits_total", {{"vm", vm}, {"reason", "io"}});
  figure("211 port accesses and the end: {} userspace exits, {} ioio exits", io,
         exits(page, vm, "ioio"));
  EXPECT_EQ(io, 212);
  EXPECT_EQ(exits(page, vm, "ioio"), 212);
}

/// Every vCPU of every workload against the VMM's own clock.
TEST(Ledger, closes_for_every_vcpu_of_every_workload) {
  const std::vector<std::vector<std::string>> workloads = {
      {"cpuid", "--count", "20011"},
      {"msr", "--count", "20011"},
      {"spin", "--seconds", "3"},
      {"spin", "--seconds", "3", "--vcpus", "3", "--pin", "0"},
      {"hlt", "--count", "100", "--period-us", "20000"},
      {"hlt", "--count", "2003", "--period-us", "100"},
      {"ipi", "--count", "2003"},
      {"pio", "--count", "211", "--us", "5000", "--mode", "burn"},
      {"pio", "--count", "211", "--us", "5000", "--mode", "sleep"},
      {"mixed", "--seconds", "3", "--vcpus", "2", "--period-us", "1000", "--us", "500"},
      {"spin", "--seconds", "3", "--kick-every-ms", "7"},
  };
  const Ftrace ftrace({"sched_process_exit"});
  for (const auto& workload : workloads) {
    Guest guest(workload);
    const auto truth = guest.truth();
    const auto page = agent().scrape();
    const auto vm = page.vm_of(guest.pid());
    for (const auto& vcpu : truth["vms"][0]["vcpus"]) {
      const auto times = times_of_vcpu(page, vm, vcpu["vcpu"]);
      // The ledger begins in the first KVM_RUN, which the VMM has timed, and ends with the thread:
      // after its last reading of the clock, before ftrace sees it end. The emulated CPUs may stand
      // still between any two instructions, so there are two readings around either end.
      const double least = seconds(vcpu["thread_end_ns"]) - seconds(vcpu["first_return_ns"]);
      const double most = exit_seconds(ftrace.lines(), vcpu["tid"]) - seconds(vcpu["first_run_ns"]);
      const double off = times.sum - std::clamp(times.sum, least, most);
      figure("{:<5} vCPU {}: states {:.6f} s, truth {:.6f} to {:.6f} s, off by {:+.3f} ms",
             workload[0], vcpu["vcpu"].get<int>(), times.sum, least, most, off * 1e3);
      EXPECT_LE(std::abs(off), 0.001 * wall(vcpu) + 0.001)
          << fmt::format("{}", fmt::join(workload, " "));
      for (const auto& [state, value] : times.state) EXPECT_GE(value, 0) << state;
    }
    EXPECT_EQ(times_of(page, vm).unaccounted, 0);
    const auto after_exits = page.sum("vmflow_vm_exit_seconds_total", {{"vm", vm}});
    const auto times = times_of(page, vm);
    const auto host = times.state.at("kvm") + times.state.at("vmm");
    figure("      after exits {:.4f} s of {:.4f} s kvm + vmm", after_exits, host);
    EXPECT_LE(after_exits, host + 1e-6);
    // What came before the first exit: two KVM_RUNs are entered on each vCPU.
    EXPECT_LE(host - after_exits, 0.05 * static_cast<double>(truth["vms"][0]["vcpus"].size()));
    guest.release();
  }
  const auto page = agent().scrape();
  for (const auto& anomaly : page.find("vmflow_ledger_anomalies_total"))
    figure("anomalies {}: {}", anomaly.labels.at("anomaly"), anomaly.value);
  EXPECT_TRUE(has_only_stalled_wakeups(page));
}

TEST(Ledger, keeps_several_vms_of_one_process_apart) {
  Guest guest({"spin", "--seconds", "2", "--vms", "3"});
  const auto truth = guest.truth();
  const auto page = agent().scrape();
  const auto vms = vms_of(page, guest.pid());
  ASSERT_EQ(vms.size(), 3u);
  for (size_t i = 0; i < vms.size(); i++) {
    const auto& vcpu = truth["vms"][i]["vcpus"][0];
    figure("{}: {:.4f} s, truth {:.4f} s", vms[i], times_of(page, vms[i]).sum, wall(vcpu));
    EXPECT_NEAR(times_of(page, vms[i]).sum, wall(vcpu) + after_return(vcpu), 0.1 * wall(vcpu));
  }
}

}  // namespace vmflow::lab
