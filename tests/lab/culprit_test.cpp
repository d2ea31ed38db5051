// SPDX-License-Identifier: GPL-2.0-only
// Label lab: who held the CPU while a VM was ready, against fights whose winner is known.
#include <gtest/gtest.h>
#include <signal.h>

#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

constexpr const char* kCulprits[] = {"other_vm",      "own_vm", "host_task",
                                     "kernel_thread", "none",   "unknown"};

/// One row of the confusion matrix; the share of `truth` in the ready time in which the CPU was
/// held by anybody.
double share_of(const Page& page, pid_t pid, const std::string& what, const std::string& truth) {
  const auto vm = page.vm_of(pid);
  const double ready = times_of(page, vm).state.at("ready");
  std::map<std::string, double> by;
  double sum = page.sum("vmflow_vm_open_wait_seconds", {{"vm", vm}, {"state", "ready"}});
  std::string line = fmt::format("{:<30} {:<9} ready {:>7.3f} s", what, truth, ready);
  for (const auto* culprit : kCulprits) {
    by[culprit] =
        page.sum("vmflow_vm_ready_by_culprit_seconds_total", {{"vm", vm}, {"culprit", culprit}});
    sum += by[culprit];
    line += fmt::format("  {} {:.2f}%", culprit, 100 * by[culprit] / ready);
  }
  figure("{}", line);
  EXPECT_NEAR(sum, ready, 1e-6) << what;
  EXPECT_GT(ready, 0.05) << what;
  return by[truth] / (ready - by["none"]);
}

Json api(const std::string& path) {
  return Json::parse(agent().get("/api/v1" + path));
}

/// The rows of a victim by what `field` of the culprit says; seconds.
std::map<std::string, double> rows_of(const std::string& vm, const char* field) {
  std::map<std::string, double> rows;
  const auto answer = api("/vms/" + vm + "/culprits");
  double sum = answer["open_wait_seconds"];
  for (const auto& row : answer["culprits"]) {
    rows[row["culprit"].value(field, "")] += row["seconds"].get<double>();
    sum += row["seconds"].get<double>();
  }
  EXPECT_NEAR(sum, answer["ready_seconds"].get<double>(), 1e-6);
  return rows;
}

Process hog(int cpu) {
  return Process({"taskset", "-c", std::to_string(cpu), "sh", "-c", "while :; do :; done"});
}

}  // namespace

TEST(Culprit, of_two_vms_on_one_cpu_is_the_other_vm) {
  Guest one({"spin", "--seconds", "4", "--pin", "1"});
  Guest other({"spin", "--seconds", "4", "--pin", "1"});
  one.truth();
  other.truth();
  const auto page = agent().scrape();
  EXPECT_GE(share_of(page, one.pid(), "two spinners on one CPU", "other_vm"), 0.95);
  EXPECT_GE(share_of(page, other.pid(), "two spinners on one CPU", "other_vm"), 0.95);
  const auto a = page.vm_of(one.pid()), b = page.vm_of(other.pid());
  const auto by_a = rows_of(b, "id")[a], by_b = rows_of(a, "id")[b];
  figure("the matrix: {:.3f} s by {} of {}, {:.3f} s the other way", by_b, b, a, by_a);
  EXPECT_GE(by_b, 0.95 * times_of(page, a).state.at("ready"));
  EXPECT_GE(by_a, 0.95 * times_of(page, b).state.at("ready"));
  EXPECT_EQ(api("/vms")["vms"].size(), 2u);
  EXPECT_EQ(api("/vms/" + a)["id"], a);
  EXPECT_EQ(agent().status_of("/api/v1/vms/none"), 404);
  for (const auto& row : api("/culprits")["culprits"])
    EXPECT_TRUE(row["victim"]["id"] == a || row["victim"]["id"] == b);
}

TEST(Culprit, of_a_vm_beside_a_host_task_is_that_task) {
  auto task = hog(1);
  Guest guest({"spin", "--seconds", "4", "--pin", "1"});
  guest.truth();
  EXPECT_GE(share_of(agent().scrape(), guest.pid(), "a spinner and a host task", "host_task"),
            0.95);
  const auto rows = rows_of(agent().scrape().vm_of(guest.pid()), "task");
  figure("named in the API: sh {:.3f} s", rows.at("sh"));
  EXPECT_GE(rows.at("sh"), 1);
  task.signal(SIGKILL);
}

TEST(Culprit, of_siblings_on_one_cpu_is_their_own_vm) {
  Guest guest({"spin", "--seconds", "4", "--pin", "1", "--vcpus", "2"});
  guest.truth();
  EXPECT_GE(share_of(agent().scrape(), guest.pid(), "two siblings on one CPU", "own_vm"), 0.95);
}

TEST(Culprit, of_vms_that_sleep_and_wake_is_who_runs_then) {
  Guest sleeper({"mixed", "--seconds", "8", "--period-us", "3000", "--us", "1000", "--mode", "burn",
                 "--pin", "1"});
  Guest other({"mixed", "--seconds", "8", "--period-us", "4000", "--us", "2000", "--mode", "burn",
               "--pin", "1"});
  sleeper.truth();
  other.truth();
  const auto page = agent().scrape();
  EXPECT_GE(share_of(page, sleeper.pid(), "two that sleep and wake", "other_vm"), 0.85);
  EXPECT_GE(share_of(page, other.pid(), "two that sleep and wake", "other_vm"), 0.85);
}

// Three on two CPUs: the scheduler moves them while they wait.
TEST(Culprit, is_followed_through_migrations) {
  std::vector<std::unique_ptr<Guest>> guests;
  for (int i = 0; i < 3; i++)
    guests.push_back(std::make_unique<Guest>(std::vector<std::string>{"spin", "--seconds", "4"}));
  for (const auto& guest : guests) guest->truth();
  const auto page = agent().scrape();
  for (const auto& guest : guests)
    EXPECT_GE(share_of(page, guest->pid(), "three spinners on two CPUs", "other_vm"), 0.8);
  figure("vCPUs moved while they waited: {}",
         page.sum("vmflow_bpf_program_runs_total", {{"program", "sched_migrate_task"}}));
}

}  // namespace vmflow::lab
