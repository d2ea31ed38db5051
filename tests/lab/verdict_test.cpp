// SPDX-License-Identifier: GPL-2.0-only
// Label lab: the verdict on VMs whose slowness was made. Their processes are not told here: see
// linux_processes_test.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cgroup.h"
#include "figure.h"
#include "guest.h"
#include "serial_disk.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

constexpr double kLeastWindow = 8;  // s

const std::vector<std::string> kSpin = {"spin", "--seconds", "60"};

Json verdict_on(const std::string& vm) {
  return Json::parse(agent().get("/api/v1/vms/" + vm + "/verdict"));
}

/// The verdict once the VM was seen for long enough. Its limit is a number of looks: time runs away
/// while the lab waits for a file. Looks are rare, as they take the only CPU from the guest.
Json verdict_on(const Guest& guest, const std::string& what) {
  for (int looks = 60; looks > 0; looks--) {
    std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto vm = agent().scrape().vm_of(guest.pid());
    if (vm.empty()) continue;
    auto verdict = verdict_on(vm);
    if (verdict["window_seconds"].get<double>() < kLeastWindow) continue;
    figure("{:<28} {}", what, verdict["sentence"].get<std::string>());
    return verdict;
  }
  throw std::runtime_error("vmflow has no verdict on the guest");
}

double evidence(const Json& verdict, const std::string& kind) {
  for (const auto& row : verdict["evidence"])
    if (row["kind"] == kind) return row["seconds"];
  return 0;
}

/// This cause, and most of it of this kind.
void expect(const Json& verdict, const std::string& cause, const std::string& kind) {
  EXPECT_EQ(verdict["cause"], cause) << verdict.dump(2);
  EXPECT_EQ(verdict["enough_evidence"], cause != "unknown");
  EXPECT_GE(evidence(verdict, kind), 0.6 * verdict["seconds"].get<double>()) << verdict.dump(2);
  // The counters have at least what the window has.
  const auto page = agent().scrape();
  const double counted =
      page.sum("vmflow_vm_slowdown_seconds_total", {{"vm", verdict["id"]}, {"cause", cause}});
  EXPECT_GE(counted, verdict["seconds"].get<double>());
}

}  // namespace

TEST(Verdict, of_two_vms_on_one_cpu_is_the_co_located_vm) {
  const Guest one(kSpin), other(kSpin);
  const auto verdict = verdict_on(one, "another VM on its CPU");
  expect(verdict, "colocated_vm", "cpu_other_vm");
  EXPECT_NEAR(verdict["share"], 0.5, 0.1);
  ASSERT_FALSE(verdict["culprits"].empty());
  EXPECT_EQ(verdict["culprits"][0]["culprit"]["id"], agent().scrape().vm_of(other.pid()));
}

TEST(Verdict, of_two_vms_on_one_disk_is_the_co_located_vm) {
  make_serial_disk();
  const Guest one(reader(kDisk)), other(reader(kDisk));
  const auto verdict = verdict_on(one, "another VM at its disk");
  expect(verdict, "colocated_vm", "disk_other_vm");
  EXPECT_NEAR(verdict["share"], 0.5, 0.15);
}

TEST(Verdict, of_a_vm_beside_a_host_task_is_the_platform) {
  Process hog({"sh", "-c", "while :; do :; done"});
  const Guest guest(kSpin);
  const auto verdict = verdict_on(guest, "a task of the host");
  expect(verdict, "platform", "cpu_host_task");
  EXPECT_NE(verdict["sentence"].get<std::string>().find("(sh (pid "), std::string::npos);
  hog.signal(SIGKILL);
}

TEST(Verdict, of_a_vm_whose_quota_is_used_up_is_the_platform) {
  Cgroup cgroup("cpu");
  cgroup.set("cpu.max", "40000 100000");
  const Guest guest(kSpin);
  cgroup.take(guest.pid());
  expect(verdict_on(guest, "cpu.max: 40 %"), "platform", "quota");
  Cgroup::leave(guest.pid());
}

TEST(Verdict, of_a_vm_whose_disk_requests_are_held_back_is_the_platform) {
  make_serial_disk();
  Cgroup cgroup("io");
  cgroup.set("io.max", reads_a_second(10));
  auto arguments = reader(kDisk);
  arguments.emplace_back("--wait-stdin");
  Guest guest(arguments);
  cgroup.take(guest.pid());
  guest.go();
  expect(verdict_on(guest, "io.max: 10 reads a second"), "platform", "disk_held");
  Cgroup::leave(guest.pid());
}

TEST(Verdict, of_a_vm_that_works_all_the_time_needs_its_processes) {
  const Guest guest(kSpin);
  const auto verdict = verdict_on(guest, "it works, nobody else");
  expect(verdict, "unknown", "untold");
  EXPECT_NE(verdict["sentence"].get<std::string>().find("--trace.registers"), std::string::npos);
}

TEST(Verdict, of_an_idle_vm_is_nothing) {
  const Guest guest({"hlt", "--count", "3000", "--period-us", "20000"});
  const auto verdict = verdict_on(guest, "an idle VM");
  EXPECT_EQ(verdict["cause"], "nothing") << verdict.dump(2);
  for (const auto& [cause, seconds] : verdict["causes"].items())
    EXPECT_LT(seconds, 0.05 * verdict["vcpu_seconds"].get<double>()) << cause;
}

}  // namespace vmflow::lab
