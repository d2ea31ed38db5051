// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --icount: what the guests inside a guest do and which processes run in them,
// live, from the outermost host alone. An instruction takes 8 ns: what loops take is known.
#include <gtest/gtest.h>

#include "attempts.h"
#include "figure.h"
#include "linux_guest.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

constexpr double kLoopSeconds = 2 * 8e-9;

/// A guest's works while an agent records, as /processes and as the counters tell it.
struct Seen {
  Json inside;
  Json vm;
};

Seen run_nested(const std::string& guests) {
  return attempts(3, [&] {
    LinuxGuest guest({.work = "nested,go=1," + guests, .memory_mib = 256, .most_to_wait_s = 45});
    RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng", "--trace.registers"});
    guest.wait_for("ready");
    guest.begin();
    guest.wait_for_end();
    const auto vm = "/api/v1/vms/" + agent->scrape().vm_of(guest.pid());
    Seen seen{Json::parse(agent->get(vm + "/processes")), Json::parse(agent->get(vm))};
    guest.truth();
    return seen;
  });
}

double sum_of(const Json& seconds) {
  double sum = 0;
  for (const auto& value : seconds) sum += value.get<double>();
  return sum;
}

/// By the exits of the counters' nested VM: which of them it is.
const Json& counted(const Json& vm, const std::string& id) {
  for (const auto& nested : vm["nested"])
    if (nested["id"] == id) return nested;
  throw std::runtime_error("no nested VM " + id + ": " + vm["nested"].dump());
}

Json process_in(const Json& inside, const std::string& nested_vm) {
  const auto ending = " of " + nested_vm.substr(2);
  for (const auto& process : inside["processes"])
    if (process["process"].get<std::string>().ends_with(ending)) return process;
  throw std::runtime_error("no process in " + nested_vm + ": " + inside["processes"].dump());
}

void show(const Json& vcpu) {
  figure("{} (L{}, run by {}): {}", vcpu["vmcb12"].get<std::string>(), vcpu["level"].get<int>(),
         vcpu.value("run_by_process", vcpu.value("run_by", "?")), vcpu["seconds"].dump());
}

/// The trace's states are the levels that the kernel has counted.
void expect_as_counted(const Json& vcpu, const Json& vm) {
  const auto& seconds = counted(vm, vcpu["nested_vm"])["seconds"];
  const auto& states = vcpu["seconds"];
  for (const auto& [state, level] :
       {std::pair("running", "l2"), std::pair("hypervisor", "l1"), std::pair("host", "l0")}) {
    const double traced = states[state], live = seconds[level];
    figure("{} {:.4f} s, counted as {} {:.4f} s ({:+.2f} %)", state, traced, level, live,
           100 * (traced / live - 1));
    EXPECT_NEAR(traced, live, 0.01 * live) << state;
  }
}

}  // namespace

TEST(NestedProcesses, of_two_guests_that_share_a_vcpu_preempt_each_other) {
  constexpr double kTruth[] = {1009 * 100'000 * kLoopSeconds, 503 * 100'000 * kLoopSeconds};
  const auto seen = run_nested(
      "guest0=cpuid+--count+1009+--own-loops+100000,guest1=cpuid+--count+503+--own-loops+100000");
  ASSERT_EQ(seen.inside["nested_vcpus"].size(), 2u) << seen.inside.dump(1);
  std::vector<Json> vcpus(seen.inside["nested_vcpus"].begin(), seen.inside["nested_vcpus"].end());
  std::ranges::sort(vcpus, std::greater{},
                    [](const Json& one) { return one["seconds"]["running"].get<double>(); });
  EXPECT_NE(vcpus[0]["run_by_process"], vcpus[1]["run_by_process"]);
  for (size_t i = 0; i < 2; i++) {
    const auto& vcpu = vcpus[i];
    show(vcpu);
    EXPECT_EQ(vcpu["level"], 2);
    expect_as_counted(vcpu, seen.vm);
    const auto process = process_in(seen.inside, vcpu["nested_vm"]);
    const double guest = process["guest_seconds"];
    figure("its process {}: {:.4f} s in the guest, its loops take {:.4f} s ({:+.2f} %)",
           process["process"].get<std::string>(), guest, kTruth[i], 100 * (guest / kTruth[i] - 1));
    EXPECT_NEAR(guest, kTruth[i], 0.03 * kTruth[i]);
    EXPECT_EQ(process["level"], 2);
    const auto& other = vcpus[1 - i];
    ASSERT_TRUE(vcpu["preempted_by_seconds"].contains(other["vmcb12"])) << vcpu.dump();
    const double by_other = vcpu["preempted_by_seconds"][other["vmcb12"].get<std::string>()];
    figure("preempted by the other {:.3f} s of {:.3f} s", by_other, sum_of(vcpu["seconds"]));
    EXPECT_GT(by_other, 0.2 * kTruth[1]);
    EXPECT_GT(process["behind_others_seconds"].get<double>(), 0.2 * kTruth[1]);
  }
}

TEST(NestedProcesses, of_a_guest_that_halts_wait_for_its_timer) {
  const auto seen = run_nested("guest0=hlt+--count+200+--period-us+5000");
  ASSERT_EQ(seen.inside["nested_vcpus"].size(), 1u) << seen.inside.dump(1);
  const auto& vcpu = seen.inside["nested_vcpus"][0];
  show(vcpu);
  figure("it waits for {}", vcpu["wait_seconds"].dump());
  const double waits = vcpu["seconds"]["waiting"], timer = vcpu["wait_seconds"]["timer"];
  EXPECT_GT(waits, 0.5 * sum_of(vcpu["seconds"]));
  EXPECT_GT(timer, 0.9 * waits);
  expect_as_counted(vcpu, seen.vm);
}

TEST(NestedProcesses, a_third_level_is_run_by_the_second) {
  const auto seen = run_nested("guest0=vmrun+--count+307");
  ASSERT_EQ(seen.inside["nested_vcpus"].size(), 2u) << seen.inside.dump(1);
  const auto& two = seen.inside["nested_vcpus"][0];
  const auto& three = seen.inside["nested_vcpus"][1];
  show(two);
  show(three);
  EXPECT_EQ(two["level"], 2);
  EXPECT_EQ(three["level"], 3);
  EXPECT_EQ(three["run_by"], two["vmcb12"]);
  EXPECT_GT(two["seconds"]["own_guest"].get<double>(), three["seconds"]["running"].get<double>());
  EXPECT_EQ(process_in(seen.inside, three["nested_vm"])["level"], 3);
}

}  // namespace vmflow::lab
