// SPDX-License-Identifier: GPL-2.0-only
// Label lab: who held the CPU while a VM was ready, against fights whose winner is known.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "culprits.h"
#include "figure.h"
#include "guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

/// Ready seconds by culprit, and all of them as "ready". Whatever the moment, the culprits and the
/// open wait are the state.
Culprits ready_of(const Page& page, const std::string& vm) {
  auto by = culprits_of(page, vm);
  by["ready"] = times_of(page, vm).state.at("ready");
  const double open = page.sum("vmflow_vm_open_wait_seconds", {{"vm", vm}, {"state", "ready"}});
  EXPECT_NEAR(by["all"] + open, by["ready"], 1e-6);
  return by;
}

/// VMs that fight, from when all of them run until they end: before that they are host tasks that
/// load a program.
class Fight {
 public:
  explicit Fight(std::vector<std::vector<std::string>> guests) {
    for (const auto& arguments : guests) guests_.push_back(std::make_unique<Guest>(arguments));
    while (!all_run()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto page = agent().scrape();
    for (const auto& guest : guests_) before_.push_back(ready_of(page, page.vm_of(guest->pid())));
  }
  void end() {
    for (const auto& guest : guests_) guest->truth();
    page_ = agent().scrape();
  }
  std::string vm(size_t which) const { return page_.vm_of(guests_[which]->pid()); }
  /// One row of the confusion matrix: by culprit, in this fight.
  Culprits ready(size_t which, const std::string& what) const {
    auto by = ready_of(page_, vm(which));
    for (auto& [culprit, seconds] : by) seconds -= before_[which].at(culprit);
    show_culprits(what, by, by["ready"]);
    EXPECT_GT(by["ready"], 0.05) << what;
    return by;
  }
  /// The share of `culprit` in the time in which anybody held the CPU.
  double share(size_t which, const std::string& what, const std::string& culprit) const {
    const auto by = ready(which, what);
    return by.at(culprit) / (by.at("ready") - by.at("none"));
  }

 private:
  bool all_run() const {
    const auto page = agent().scrape();
    return std::ranges::all_of(guests_, [&](const auto& guest) {
      const auto vm = page.vm_of(guest->pid());
      return !vm.empty() && times_of(page, vm).on_cpu > 0.05;
    });
  }

  std::vector<std::unique_ptr<Guest>> guests_;
  std::vector<Culprits> before_;
  Page page_{""};
};

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
  const std::vector<std::string> spin = {"spin", "--seconds", "6", "--pin", "1"};
  Fight fight({spin, spin});
  fight.end();
  for (const size_t which : {0, 1})
    EXPECT_GE(fight.share(which, "two spinners on one CPU", "other_vm"), 0.95);
  const auto a = fight.vm(0), b = fight.vm(1);
  const auto page = agent().scrape();
  const double waits = page.sum("vmflow_vm_runqueue_wait_seconds_count", {{"vm", a}});
  const double queued = page.sum("vmflow_vm_runqueue_wait_seconds_sum", {{"vm", a}});
  const double open = page.sum("vmflow_vm_open_wait_seconds", {{"vm", a}, {"state", "ready"}});
  figure("{:.0f} waits in the run queue, {:.3f} ms on average", waits, 1e3 * queued / waits);
  EXPECT_NEAR(queued + open, times_of(page, a).state.at("ready"), 1e-6);
  EXPECT_GT(waits, 50);
  const auto of_a = rows_of(a, "id")[b], of_b = rows_of(b, "id")[a];
  figure("the matrix: {:.3f} s by {} of {}, {:.3f} s the other way", of_a, b, a, of_b);
  EXPECT_GE(of_a, 1);
  EXPECT_GE(of_b, 1);
  EXPECT_EQ(api("/vms")["vms"].size(), 2u);
  EXPECT_EQ(api("/vms/" + a)["id"], a);
  EXPECT_EQ(agent().status_of("/api/v1/vms/none"), 404);
  for (const auto& row : api("/culprits")["culprits"])
    EXPECT_TRUE(row["victim"]["id"] == a || row["victim"]["id"] == b);
}

TEST(Culprit, of_a_vm_beside_a_host_task_is_that_task) {
  auto task = hog(1);
  Fight fight({{"spin", "--seconds", "5", "--pin", "1"}});
  fight.end();
  EXPECT_GE(fight.share(0, "a spinner and a host task", "host_task"), 0.95);
  const auto rows = rows_of(fight.vm(0), "task");
  figure("named in the API: sh {:.3f} s", rows.at("sh"));
  EXPECT_GE(rows.at("sh"), 1);
  task.signal(SIGKILL);
}

TEST(Culprit, of_siblings_on_one_cpu_is_their_own_vm) {
  Fight fight({{"spin", "--seconds", "5", "--pin", "1", "--vcpus", "2"}});
  fight.end();
  EXPECT_GE(fight.share(0, "two siblings on one CPU", "own_vm"), 0.95);
}

TEST(Culprit, of_a_vcpu_beside_a_thread_of_its_own_vmm_is_its_own_vm) {
  Fight fight({{"spin", "--seconds", "5", "--pin", "1", "--busy-helper"}});
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const auto page = agent().scrape();  // while both live: what a thread used last goes with it
  fight.end();
  EXPECT_GE(fight.share(0, "a vCPU and its VMM's thread", "own_vm"), 0.95);
  // The two share the CPU: what one has the other waits for.
  const Labels other{{"vm", fight.vm(0)}, {"role", "other"}};
  const double cpu = page.sum("vmflow_vm_thread_cpu_seconds_total", other);
  const double ready = page.sum("vmflow_vm_thread_ready_seconds_total", other);
  const auto vcpu = times_of(page, fight.vm(0));
  figure("the thread: CPU {:.3f} s (the vCPU was ready {:.3f} s), ready {:.3f} s (it ran {:.3f} s)",
         cpu, vcpu.state.at("ready"), ready, vcpu.on_cpu);
  EXPECT_NEAR(cpu, vcpu.state.at("ready"), 0.1 * cpu);
  EXPECT_NEAR(ready, vcpu.on_cpu, 0.1 * ready);
}

TEST(Culprit, of_vms_that_sleep_and_wake_is_who_runs_then) {
  Fight fight({{"mixed", "--seconds", "9", "--period-us", "3000", "--us", "1000", "--mode", "burn",
                "--pin", "1"},
               {"mixed", "--seconds", "9", "--period-us", "4000", "--us", "2000", "--mode", "burn",
                "--pin", "1"}});
  fight.end();
  for (const size_t which : {0, 1})
    EXPECT_GE(fight.share(which, "two that sleep and wake", "other_vm"), 0.9);
}

// Three on two CPUs: the scheduler moves them while they wait. The agent and this test hold the
// first CPU now and then.
TEST(Culprit, is_followed_through_migrations) {
  const std::vector<std::string> spin = {"spin", "--seconds", "6"};
  Fight fight({spin, spin, spin});
  fight.end();
  for (const size_t which : {0, 1, 2}) {
    const auto by = fight.ready(which, "three spinners on two CPUs");
    EXPECT_GE(by.at("other_vm"), 0.8 * by.at("ready"));
    EXPECT_LE(by.at("unknown"), 0.02 * by.at("ready"));
  }
  figure(
      "vCPUs moved while they waited: {}",
      agent().scrape().sum("vmflow_bpf_program_runs_total", {{"program", "sched_migrate_task"}}));
}

}  // namespace vmflow::lab
