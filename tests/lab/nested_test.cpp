// SPDX-License-Identifier: GPL-2.0-only
// Label lab: a Linux guest that runs guests of its own, which know what they did.
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>
#include <sstream>
#include <thread>

#include "attempts.h"
#include "figure.h"
#include "guest.h"
#include "linux_guest.h"
#include "shared_agent.h"

namespace vmflow::lab {
namespace {

[[maybe_unused]] const bool sharing = share_one_agent();

Json api_of(pid_t pid) {
  return Json::parse(agent().get("/api/v1/vms/" + agent().scrape().vm_of(pid)));
}

/// What ground_truth has printed inside the guest.
Json report_of(const LinuxGuest& guest, const std::string& name) {
  std::istringstream lines(guest.console());
  const auto head = "report nested " + name + " ";
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(head)) return Json::parse(line.substr(head.size()));
  throw std::runtime_error("no report of " + name + ":\n" + guest.console());
}

uint64_t count_of(const Json& exits, const std::string& reason, const std::string& by) {
  return exits.contains(reason) ? exits[reason][by].get<uint64_t>() : 0;
}

uint64_t all_of(const Json& exits, const std::string& by) {
  uint64_t sum = 0;
  for (const auto& exit : exits) sum += exit[by].get<uint64_t>();
  return sum;
}

void show(const Json& nested) {
  const auto& seconds = nested["seconds"];
  figure(
      "nested VM {}: l0 {:.3f} s, l1 {:.3f} s, l2 {:.3f} s; {} entries, {} exits handled, {} "
      "reflected, {} cpuid",
      nested["id"].get<std::string>(), seconds["l0"].get<double>(), seconds["l1"].get<double>(),
      seconds["l2"].get<double>(), nested["entries"].get<uint64_t>(),
      all_of(nested["exits"], "handled"), all_of(nested["exits"], "reflected"),
      count_of(nested["exits"], "cpuid", "reflected"));
}

double sum_of(const Json& seconds) {
  double sum = 0;
  for (const auto& value : seconds) sum += value.get<double>();
  return sum;
}

/// The levels, of the nested VMs one by one, and the rest are the ledger's wall time.
void expect_levels_are_the_wall(const Json& vm) {
  double levels = vm["rest_seconds"].get<double>();
  for (const auto& nested : vm["nested"]) levels += sum_of(nested["seconds"]);
  const double wall = sum_of(vm["seconds"]) + vm["unaccounted_seconds"].get<double>();
  figure("L0 + L1 + L2 + rest {:.6f} s, wall {:.6f} s ({:+.4f} %), {:.6f} s pending", levels, wall,
         100 * (levels / wall - 1), vm["nested_pending_seconds"].get<double>());
  EXPECT_NEAR(levels, wall, 0.001 * wall);
  EXPECT_NEAR(vm["nested_seconds"]["l2"].get<double>(), vm["seconds"]["guest_nested"].get<double>(),
              1e-6);
}

/// Every exit from L2 once, and as L1's own KVM has counted them.
void expect_exits_as_l1_has_them(const Json& nested, const Json& report) {
  const auto& vcpu = report["vms"][0]["vcpus"][0];
  const auto truth = vcpu["exits"]["cpuid"].get<uint64_t>();
  EXPECT_EQ(count_of(nested["exits"], "cpuid", "reflected"), truth);
  EXPECT_EQ(count_of(nested["exits"], "cpuid", "handled"), 0u);
  const auto l1_exits = vcpu["kvm_stats"]["exits"].get<uint64_t>();
  figure("L1's own KVM has counted {} exits, {} CPUIDs are the truth", l1_exits, truth);
  EXPECT_EQ(all_of(nested["exits"], "reflected"), l1_exits);
  EXPECT_EQ(nested["entries"].get<uint64_t>(), l1_exits);
}

/// A guest that has run these guests of its own.
std::unique_ptr<LinuxGuest> guest_that_ran(const std::string& guests) {
  return attempts(3, [&] {
    auto guest = std::make_unique<LinuxGuest>(
        LinuxGuestSetup{.work = "nested," + guests, .memory_mib = 256, .most_to_wait_s = 45});
    guest->truth();
    return guest;
  });
}

const Json& nested_with_cpuids(const Json& vm, uint64_t cpuids) {
  for (const auto& nested : vm["nested"])
    if (count_of(nested["exits"], "cpuid", "reflected") == cpuids) return nested;
  throw std::runtime_error("no nested VM with so many CPUIDs: " + vm["nested"].dump());
}

}  // namespace

TEST(Nested, exits_and_time_of_an_l2_are_told_from_l1s_own) {
  const auto guest = guest_that_ran("guest0=cpuid+--count+3001");
  const auto vm = api_of(guest->pid());
  ASSERT_EQ(vm["nested"].size(), 1u) << vm["nested"].dump(1);
  const auto& nested = vm["nested"][0];
  show(nested);
  expect_exits_as_l1_has_them(nested, report_of(*guest, "guest0"));
  const auto all = vm["exits"]["cpuid"]["count"].get<uint64_t>();
  figure("{} CPUID exits of the VM, {} of them its own", all, all - 3001);
  EXPECT_GT(all, 3001u) << "L1's own, when it boots";
  expect_levels_are_the_wall(vm);
  for (const auto* level : {"l0", "l1", "l2"})
    EXPECT_GT(nested["seconds"][level].get<double>(), 0) << level;
  const auto page = agent().scrape();
  EXPECT_TRUE(has_only_stalled_wakeups(page));
  EXPECT_EQ(page.sum("vmflow_events_dropped_total"), 0);
  for (const auto& [level, seconds] : vm["nested_seconds"].items())
    EXPECT_GE(page.sum("vmflow_vm_nested_seconds_total", {{"vm", vm["id"]}, {"level", level}}),
              seconds.get<double>());
  EXPECT_EQ(page.sum("vmflow_bpf_map_entries", {{"map", "nested_vcpus"}}), 1);
  guest->stop();
  while (agent().scrape().sum("vmflow_bpf_map_entries", {{"map", "nested_vcpus"}}) != 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

TEST(Nested, two_guests_at_once_are_two_nested_vms) {
  const auto guest = guest_that_ran("guest0=cpuid+--count+2003,guest1=cpuid+--count+1009");
  const auto vm = api_of(guest->pid());
  EXPECT_EQ(vm["nested"].size(), 2u) << vm["nested"].dump(1);
  for (const auto& [name, cpuids] : {std::pair("guest0", 2003u), std::pair("guest1", 1009u)}) {
    const auto& nested = nested_with_cpuids(vm, cpuids);
    show(nested);
    expect_exits_as_l1_has_them(nested, report_of(*guest, name));
  }
  EXPECT_NE(vm["nested"][0]["root"], vm["nested"][1]["root"]);
  expect_levels_are_the_wall(vm);
  guest->stop();
}

// With --icount an instruction is 8 ns: what the loops of L2 take is known. The one works between
// its exits, the other does nothing but exit.
TEST(Nested, time_of_an_l2_is_its_loops_and_exits_cost_the_levels_below) {
  constexpr int kWorks = 1009, kLoops = 200'000, kExits = 2003;
  const auto guest =
      guest_that_ran(fmt::format("guest0=cpuid+--count+{}+--own-loops+{},"
                                 "guest1=cpuid+--count+{}",
                                 kWorks, kLoops, kExits));
  const auto vm = api_of(guest->pid());
  ASSERT_EQ(vm["nested"].size(), 2u) << vm["nested"].dump(1);
  const auto& works = nested_with_cpuids(vm, kWorks)["seconds"];
  const double truth = 2e-9 * 8 * kLoops * kWorks, l2 = works["l2"];
  figure(
      "an L2 that works: l0 {:.3f} s, l1 {:.3f} s, l2 {:.4f} s, its loops take {:.4f} s ({:+.2f} "
      "%)",
      works["l0"].get<double>(), works["l1"].get<double>(), l2, truth, 100 * (l2 / truth - 1));
  EXPECT_NEAR(l2, truth, 0.03 * truth);
  const auto& exits = nested_with_cpuids(vm, kExits)["seconds"];
  const double below = exits["l0"].get<double>() + exits["l1"].get<double>();
  figure("an L2 that exits: l0 {:.3f} s, l1 {:.3f} s, l2 {:.4f} s", exits["l0"].get<double>(),
         exits["l1"].get<double>(), exits["l2"].get<double>());
  EXPECT_GT(exits["l0"], exits["l2"]);
  EXPECT_GT(exits["l1"], exits["l2"]);
  EXPECT_GT(below, 0.9 * sum_of(exits));
  expect_levels_are_the_wall(vm);
  guest->stop();
}

// perf counts KVM's own events of the same run.
TEST(Nested, exits_and_entries_are_those_that_kvm_has_told) {
  const std::vector<std::string> events = {"kvm_nested_vmenter", "kvm_nested_vmexit",
                                           "kvm_nested_vmexit_inject"};
  Process perf({"perf", "stat", "-x", ",", "-e",
                "kvm:" + events[0] + ",kvm:" + events[1] + ",kvm:" + events[2], ground_truth_path(),
                "vmrun", "--count", "503", "--guest-loops", "100000", "--hold"});
  while (perf.out().find('\n') == std::string::npos && perf.is_running())
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto vm = api_of(Json::parse(perf.out())["pid"]);
  perf.write("\n", true);
  const auto finished = perf.wait();
  ASSERT_TRUE(finished && finished->status == 0);
  const auto told = [&](const std::string& event) {
    std::istringstream lines(finished->err);
    for (std::string line; std::getline(lines, line);)
      if (line.find(",kvm:" + event + ",") != std::string::npos) return std::stoul(line);
    throw std::runtime_error("perf has not counted " + event + ":\n" + finished->err);
  };
  ASSERT_EQ(vm["nested"].size(), 1u) << vm["nested"].dump(1);
  const auto& nested = vm["nested"][0];
  const auto handled = all_of(nested["exits"], "handled"),
             reflected = all_of(nested["exits"], "reflected");
  figure("entries {} (perf {}), exits handled {} + reflected {} (perf {}, given to L1 {})",
         nested["entries"].get<uint64_t>(), told(events[0]), handled, reflected, told(events[1]),
         told(events[2]));
  EXPECT_EQ(nested["entries"].get<uint64_t>(), told(events[0]));
  EXPECT_EQ(handled + reflected, told(events[1]));
  EXPECT_EQ(reflected, told(events[2]));
  EXPECT_GT(handled, 0u);
  EXPECT_EQ(vm["nested_exits"]["handled"], handled);
  EXPECT_EQ(vm["nested_exits"]["reflected"], reflected);
}

// L2 is ground_truth's own hypervisor: what it runs is a third level, which L1 enters as a guest of
// its own.
TEST(Nested, a_third_level_is_told_by_reflected_vmruns) {
  constexpr uint64_t kCount = 307;
  const auto guest = guest_that_ran("guest0=vmrun+--count+" + std::to_string(kCount));
  const auto vm = api_of(guest->pid());
  ASSERT_EQ(vm["nested"].size(), 2u) << vm["nested"].dump(1);
  const auto& l2 = vm["nested"][0];
  const auto& l3 = vm["nested"][1];
  for (const auto* nested : {&l2, &l3}) show(*nested);
  figure("deeper entries {}, VMRUNs of L2 {}", l2["deeper_entries"].get<uint64_t>(), kCount);
  EXPECT_EQ(report_of(*guest, "guest0")["vms"][0]["vcpus"][0]["exits"]["vmrun"], kCount);
  EXPECT_EQ(l2["deeper_entries"], kCount);
  EXPECT_EQ(count_of(l2["exits"], "vmrun", "reflected"), kCount);
  EXPECT_EQ(count_of(l2["exits"], "cpuid", "reflected"), 0u);
  EXPECT_EQ(l3["deeper_entries"], 0);
  EXPECT_EQ(count_of(l3["exits"], "cpuid", "reflected"), kCount);
  expect_levels_are_the_wall(vm);
  guest->stop();
}

// With --icount an instruction is 8 ns: what the loops of L1 and of L2 take is known.
TEST(Nested, levels_take_what_their_loops_take) {
  constexpr int kCount = 1009, kOwnLoops = 20'000, kGuestLoops = 50'000;
  Guest guest({"vmrun", "--count", std::to_string(kCount), "--own-loops", std::to_string(kOwnLoops),
               "--guest-loops", std::to_string(kGuestLoops)});
  guest.truth();
  const auto vm = api_of(guest.pid());
  ASSERT_EQ(vm["nested"].size(), 1u) << vm["nested"].dump(1);
  const auto& nested = vm["nested"][0];
  show(nested);
  EXPECT_EQ(count_of(nested["exits"], "cpuid", "reflected"), kCount);
  EXPECT_EQ(all_of(nested["exits"], "reflected"), kCount);
  EXPECT_EQ(nested["entries"], kCount);
  EXPECT_EQ(nested["deeper_entries"], 0);
  EXPECT_EQ(nested["root"], "0x9000") << "where ground_truth has put the nested page tables";
  const auto expect_loops = [&](const char* level, int loops) {
    const double turns = 2e-9 * 8 * loops * kCount, seconds = nested["seconds"][level];
    figure("{} {:.4f} s, its loops take {:.4f} s ({:+.2f} %)", level, seconds, turns,
           100 * (seconds / turns - 1));
    EXPECT_GE(seconds, turns);
    EXPECT_LE(seconds, 1.05 * turns);
  };
  expect_loops("l1", kOwnLoops);
  expect_loops("l2", kGuestLoops);
  expect_levels_are_the_wall(vm);
}

TEST(Nested, a_guest_that_ran_before_the_agent_is_told_from_its_first_exit_on) {
  // It runs on while it is looked at, and is killed in the end.
  Guest guest(
      {"vmrun", "--count", "1000000", "--guest-loops", "100000", "--max-seconds", "100000"});
  while (api_of(guest.pid())["nested"].empty())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  AgentProcess late;
  late.wait_until_ready();
  // Long enough that what it runs on between two readings of one look is less than the bound.
  std::this_thread::sleep_for(std::chrono::seconds(5));
  const auto page = late.scrape();
  const auto vm = Json::parse(late.get("/api/v1/vms/" + page.vm_of(guest.pid())));
  ASSERT_TRUE(vm.contains("nested")) << vm.dump(1);
  ASSERT_EQ(vm["nested"].size(), 1u) << vm["nested"].dump(1);
  show(vm["nested"][0]);
  EXPECT_GT(count_of(vm["nested"][0]["exits"], "cpuid", "reflected"), 0u);
  EXPECT_EQ(page.sum("vmflow_ledger_anomalies_total", {{"anomaly", "level_missed"}}), 0);
  expect_levels_are_the_wall(vm);
}

TEST(Nested, a_vm_without_guests_of_its_own_has_no_levels) {
  Guest guest({"cpuid", "--count", "101"});
  guest.truth();
  const auto vm = api_of(guest.pid());
  EXPECT_FALSE(vm.contains("nested"));
  EXPECT_FALSE(vm.contains("nested_seconds"));
  EXPECT_EQ(vm["seconds"]["guest_nested"], 0);
  EXPECT_FALSE(agent().scrape().has("vmflow_vm_nested_seconds_total", {{"vm", vm["id"]}}));
}

}  // namespace vmflow::lab
