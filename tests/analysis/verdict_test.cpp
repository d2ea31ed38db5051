// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/verdict.h"

#include <gtest/gtest.h>

#include <limits>

#include "analysis/amount_text.h"
#include "analysis/trace_report.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

struct Spent {
  flow_state state;
  double seconds;
};

VmFlow vm(std::initializer_list<Spent> spent) {
  VmFlow vm;
  vm.label = "4711-7";
  for (const auto& [state, seconds] : spent)
    vm.time.state_ns[state] = static_cast<uint64_t>(seconds * 1e9);
  return vm;
}

/// Ready for 5 s of 10, all of it taken by one kind.
VmFlow starved(flow_culprit kind) {
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_READY, 5}});
  flow.culprit_ns[kind] = 5 * kSecond;
  return flow;
}

void expect(const Verdict& verdict, Cause cause, double cost_seconds, const std::string& sentence) {
  EXPECT_EQ(cause_name(verdict.cause), cause_name(cause));
  EXPECT_EQ(verdict.cost_ns, static_cast<uint64_t>(cost_seconds * 1e9));
  EXPECT_EQ(verdict.sentence, sentence);
}

}  // namespace

TEST(Verdict, a_vm_that_another_one_starves_names_it) {
  auto flow = starved(FLOW_CULPRIT_OTHER_VM);
  flow.culprit_ns[FLOW_CULPRIT_HOST_TASK] = kSecond / 20;
  flow.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 5 * kSecond - kSecond / 20;
  const std::vector<NamedCulprit> culprits = {
      {FLOW_CULPRIT_OTHER_VM, "small", 8, kSecond / 2},
      {FLOW_CULPRIT_OTHER_VM, "batch", 9, 4 * kSecond + kSecond * 45 / 100},
      {FLOW_CULPRIT_HOST_TASK, "backup", 10, kSecond / 20}};
  expect(verdict_of(flow, culprits), Cause::kOtherVm, 4.95,
         "Has work but no CPU 50 % of its time (5.00 s): batch has it 89 % of that (4.45 s).");
}

TEST(Verdict, a_vm_whose_name_is_not_known_is_not_guessed) {
  expect(verdict_of(starved(FLOW_CULPRIT_OTHER_VM), {}), Cause::kOtherVm, 5,
         "Has work but no CPU 50 % of its time (5.00 s): another VM, not known which, has it 100 % "
         "of that (5.00 s).");
}

TEST(Verdict, siblings_and_threads_of_its_own_are_contention_inside_the_vm) {
  expect(
      verdict_of(starved(FLOW_CULPRIT_OWN_VM), {}), Cause::kInsideVm, 5,
      "Has work but no CPU 50 % of its time (5.00 s): its own vCPUs and threads have it 100 % of "
      "that (5.00 s).");
}

TEST(Verdict, tasks_and_interrupts_of_the_host_are_the_platform) {
  const std::vector<NamedCulprit> backup = {{FLOW_CULPRIT_HOST_TASK, "backup", 99, 4 * kSecond}};
  expect(verdict_of(starved(FLOW_CULPRIT_HOST_TASK), backup), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the host's backup (pid 99) has it 80 % of "
         "that (4.00 s).");
  expect(verdict_of(starved(FLOW_CULPRIT_IRQ), {}), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the host's interrupts have it 100 % of "
         "that (5.00 s).");
  expect(verdict_of(starved(FLOW_CULPRIT_NONE), {}), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the CPU was idle 100 % of that (5.00 s), "
         "it is woken late.");
}

TEST(Verdict, a_culprit_that_nobody_knows_is_unknown) {
  expect(verdict_of(starved(FLOW_CULPRIT_UNKNOWN), {}), Cause::kUnknown, 5,
         "Has work but no CPU 50 % of its time (5.00 s): who has it then is not known.");
  // Nothing is told at all.
  expect(verdict_of(vm({{FLOW_GUEST, 5}, {FLOW_READY, 5}}), {}), Cause::kUnknown, 5,
         "Has work but no CPU 50 % of its time (5.00 s): who has it then is not known.");
}

TEST(Verdict, quota_vmm_and_debugger_are_the_platform) {
  expect(verdict_of(vm({{FLOW_GUEST, 8}, {FLOW_THROTTLED, 2}}), {}), Cause::kPlatform, 2,
         "Its CPU quota stops it 20 % of its time (2.00 s).");
  auto blocked = vm({{FLOW_GUEST, 7}, {FLOW_VMM_BLOCKED, 3}});
  expect(verdict_of(blocked, {}), Cause::kPlatform, 3,
         "Waits for its VMM 30 % of its time (3.00 s): in what is not known.");
  blocked.block_ns[FLOW_BLOCK_MEMORY] = 3 * kSecond;
  expect(verdict_of(blocked, {}), Cause::kPlatform, 3,
         "Waits for its VMM 30 % of its time (3.00 s): a page of its memory is not there.");
  expect(verdict_of(vm({{FLOW_GUEST, 6}, {FLOW_PAUSED, 4}}), {}), Cause::kPlatform, 4,
         "Is stopped 40 % of its time (4.00 s), by its VMM or a debugger.");
}

TEST(Verdict, an_exit_storm_is_the_vms_own_load) {
  auto flow = vm({{FLOW_GUEST, 6}, {FLOW_KVM, 4}});
  flow.exits = {{"cpuid", 98540, 4 * kSecond}, {"hlt", 5, 5000}};
  expect(verdict_of(flow, {}), Cause::kOwnLoad, 4,
         "An exit storm of its own: 98\xC2\xA0"
         "540 cpuid exits take 40 % of its CPU time (4.00 s).");
  flow.exits[0].ns = 2 * kSecond;  // a fifth of the CPU time is no storm
  EXPECT_EQ(verdict_of(flow, {}).cost_ns, 0u);
}

TEST(Verdict, a_vm_without_entries_is_not_called_well) {
  auto flow = vm({{FLOW_KVM, 10}});
  expect(verdict_of(flow, {}), Cause::kUnknown, 0,
         "What it does is not known: KVM reports neither VM entries nor VM exits of it.");
  flow.exits = {{"cpuid", 1000, kSecond}};
  EXPECT_EQ(verdict_of(flow, {}).cause, Cause::kNothing);
}

TEST(Verdict, a_single_exit_that_takes_long_is_no_storm) {
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_VMM, 5}});
  flow.exits = {{"ioio", 1, 5 * kSecond}};
  expect(verdict_of(flow, {}), Cause::kPlatform, 5,
         "Its VMM works 50 % of its time (5.00 s) for it: look at its emulated devices.");
}

TEST(Verdict, a_disk_is_only_blamed_on_whom_it_worked_for) {
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_HALTED, 5}});
  flow.wait_ns[static_cast<size_t>(WaitReason::kDisk)] = 5 * kSecond;
  const std::string waits = "Waits for its disk 50 % of its time (5.00 s)";
  expect(verdict_of(flow, {}), Cause::kUnknown, 5, waits + ": whose fault that is is not known.");
  flow.disk = DiskFlow{};
  flow.disk->done[FLOW_DISK_READ].ns = 8 * kSecond;
  expect(verdict_of(flow, {}), Cause::kOwnLoad, 5, waits + ", which serves no other VM meanwhile.");
  flow.disk->waited_ns = 6 * kSecond;
  expect(verdict_of(flow, {}), Cause::kOtherVm, 5,
         waits + ": it serves other VMs 75 % of the requests' time.");
  flow.disk->held_ns = 7 * kSecond;
  expect(verdict_of(flow, {}), Cause::kPlatform, 5,
         waits + ": its io.max holds requests back 88 % of their time.");
}

TEST(Verdict, nothing_hurts_who_sleeps_or_works) {
  auto sleeper = vm({{FLOW_GUEST, 1}, {FLOW_HALTED, 9}});
  expect(verdict_of(sleeper, {}), Cause::kNothing, 0,
         "Nothing hurts it: it sleeps 90 % of its time (9.00 s), until what is not known.");
  sleeper.wait_ns[static_cast<size_t>(WaitReason::kTimer)] = 9 * kSecond;
  expect(verdict_of(sleeper, {}), Cause::kNothing, 0,
         "Nothing hurts it: it sleeps 90 % of its time (9.00 s), until its timer wakes it.");
  expect(verdict_of(vm({{FLOW_GUEST, 9.8}, {FLOW_READY, 0.2}}), {}), Cause::kOwnLoad, 0,
         "Works 98 % of its time (9.80 s): a load of its own, nothing takes the CPU from it.");
}

TEST(Verdict, one_busy_vcpu_among_idle_ones_is_seen) {
  auto flow = vm({{FLOW_GUEST, 10}, {FLOW_HALTED, 30}});
  for (uint32_t id = 0; id < 4; id++)
    flow.per_vcpu.push_back({id, 100 + id, vm({{id == 2 ? FLOW_GUEST : FLOW_HALTED, 10}}).time});
  expect(verdict_of(flow, {}), Cause::kOwnLoad, 0,
         "Its vCPU 2 does nothing but work, one of 4: a load of its own.");
}

TEST(Verdict, little_lost_counts_if_little_was_wanted) {
  auto idle = vm({{FLOW_GUEST, 0.2}, {FLOW_HALTED, 9.6}, {FLOW_READY, 0.2}});
  idle.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond / 5;
  EXPECT_EQ(verdict_of(idle, {}).cause, Cause::kOtherVm) << "it runs half as fast as it could";
  auto busy = vm({{FLOW_GUEST, 9.8}, {FLOW_READY, 0.2}});
  busy.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond / 5;
  EXPECT_EQ(verdict_of(busy, {}).cause, Cause::kOwnLoad);
}

TEST(Verdict, without_time_or_with_gaps_nothing_is_claimed) {
  expect(verdict_of(VmFlow{}, {}), Cause::kUnknown, 0, "The trace shows no time of it.");
  auto lost = vm({{FLOW_GUEST, 4}, {FLOW_READY, 1}});
  lost.time.unaccounted_ns = 5 * kSecond;
  expect(verdict_of(lost, {}), Cause::kUnknown, 5,
         "What happens to it is not known: the trace does not account for 50 % of its time "
         "(5.00 s).");
}

TEST(Verdict, absurd_sums_are_survived) {
  auto flow = vm({});
  flow.time.state_ns.fill(std::numeric_limits<uint64_t>::max());
  flow.culprit_ns.fill(std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(verdict_of(flow, {}).sentence.empty());
}

TEST(AmountText, has_three_digits_and_the_unit_that_fits) {
  EXPECT_EQ(time_text(0), "0 s");
  EXPECT_EQ(time_text(80), "80 ns");
  EXPECT_EQ(time_text(450'000), "450 µs");
  EXPECT_EQ(time_text(12'500'000), "12.5 ms");
  EXPECT_EQ(time_text(999'999'999), "1.00 s");
  EXPECT_EQ(time_text(1'250'000'000), "1.25 s");
  EXPECT_EQ(time_text(3'600'000'000'000), "3600 s");
  EXPECT_EQ(share_text(1, 1000), "<1 %");
  EXPECT_EQ(share_text(0, 0), "0 %");
  EXPECT_EQ(share_text(1, 2), "50 %");
  EXPECT_EQ(count_text(1234567),
            "1\xC2\xA0"
            "234\xC2\xA0"
            "567");
  EXPECT_EQ(counted_text(1, "vCPU"), "1 vCPU");
}

TEST(DetailTable, keeps_each_text_once_and_not_without_end) {
  DetailTable table;
  EXPECT_EQ(table.place(""), 0u);
  EXPECT_EQ(table.place("a"), 1u);
  EXPECT_EQ(table.place("b"), 2u);
  EXPECT_EQ(table.place("a"), 1u);
  for (uint32_t i = 0; i < 100'000; i++) table.place(std::to_string(i));
  EXPECT_EQ(table.place("one more"), DetailTable::kMostDetails - 1);
  EXPECT_EQ(table.place("a"), 1u);
  const auto texts = std::move(table).take();
  EXPECT_EQ(texts.size(), DetailTable::kMostDetails);
  EXPECT_EQ(texts.back(), "(too many different details to keep)");
}

TEST(TraceReport, is_about_the_triggers_vm_or_else_the_worst) {
  TraceReport report;
  for (const auto* name : {"calm", "hurt", "worse"}) {
    auto flow = vm({{FLOW_GUEST, 5}, {FLOW_HALTED, 3}});
    flow.label = flow.name = name;
    flow.time.state_ns[FLOW_THROTTLED] = (flow.name == "hurt"    ? 1
                                          : flow.name == "worse" ? 2
                                                                 : 0) *
                                         kSecond;
    report.vms.push_back({.flow = flow, .culprits = {}, .vcpus = {}, .verdict = {}});
  }
  const auto worst = judged(report);
  EXPECT_EQ(worst.vms[0].flow.name, "worse");
  EXPECT_EQ(worst.vms[2].flow.name, "calm");
  EXPECT_EQ(worst.finding,
            "worse: Its CPU quota stops it 20 % of its time (2.00 s). 1 other VM is hurt too.");
  report.trigger = {"rule", "calm", ""};
  EXPECT_EQ(judged(report).finding,
            "calm: Works 62 % of its time (5.00 s): a load of its own, nothing takes the CPU from "
            "it. 2 other VMs are hurt too.");
  report.finding = "said already";
  EXPECT_EQ(judged(report).finding, "said already");
  EXPECT_EQ(judged({}).finding, "The trace shows no VM.");
}

TEST(TraceReport, takes_vms_and_named_culprits_from_a_model) {
  FlowModel model;
  model.vms = {vm({{FLOW_READY, 1}}), vm({})};
  model.vms[1].label = "4800-8";
  model.vms[1].name = "batch";
  model.vms[0].per_vcpu = {{3, 4712, {}}};
  model.culprits = {{"4711-7", FLOW_CULPRIT_OTHER_VM, "4800-8", "", 4800, 600},
                    {"4711-7", FLOW_CULPRIT_OTHER_VM, "gone", "", 4900, 300},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "backup", 99, 100},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "", 97, 60},
                    {"4711-7", FLOW_CULPRIT_HOST_TASK, "", "", 98, 50}};
  const auto vms = report_vms(model);
  ASSERT_EQ(vms.size(), 2u);
  ASSERT_EQ(vms[0].culprits.size(), 4u);
  EXPECT_EQ(vms[0].culprits[0].who, "batch");
  EXPECT_EQ(vms[0].culprits[1].who, "gone") << "its label, since its name is not known";
  EXPECT_EQ(culprit_text(vms[0].culprits[2]), "a task of the host, not known which");
  EXPECT_EQ(vms[0].culprits[2].ns, 110u) << "nameless ones are one";
  EXPECT_EQ(culprit_text(vms[0].culprits[3]), "backup (pid 99)");
  EXPECT_EQ(vms[0].vcpus.at(0).vcpu_id, 3u);
  EXPECT_TRUE(vms[1].culprits.empty());
}

}  // namespace vmflow::test
