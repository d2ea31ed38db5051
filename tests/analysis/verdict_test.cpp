// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/verdict.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/analysis/spent_time.h"

namespace vmflow::test {
namespace {

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

/// Without registers, whose processes are not told.
Verdict untold(const VmFlow& flow, std::span<const NamedCulprit> culprits = {}) {
  return verdict_of(flow, culprits, std::nullopt);
}

/// Its processes never wait for one another.
Verdict told(const VmFlow& flow) {
  return verdict_of(flow, {}, GuestContention{.behind_share = 0});
}

const std::string kWhich =
    "a load of its own or contention inside it; which of the two is not told without "
    "--trace.registers.";

}  // namespace

TEST(Verdict, a_vm_that_another_one_starves_names_it) {
  auto flow = starved(FLOW_CULPRIT_OTHER_VM);
  std::vector<NamedCulprit> culprits = {{FLOW_CULPRIT_OTHER_VM, "batch", 9, 5 * kSecond}};
  expect(untold(flow, culprits), Cause::kOtherVm, 5,
         "Has work but no CPU 50 % of its time (5.00 s): batch has it 100 % of that (5.00 s).");
  flow.culprit_ns[FLOW_CULPRIT_HOST_TASK] = kSecond / 10;
  flow.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 5 * kSecond - kSecond / 10;
  culprits = {{FLOW_CULPRIT_OTHER_VM, "small", 8, kSecond / 2},
              {FLOW_CULPRIT_OTHER_VM, "batch", 9, 4 * kSecond + kSecond * 45 / 100},
              {FLOW_CULPRIT_HOST_TASK, "backup", 10, kSecond / 10}};
  const auto verdict = untold(flow, culprits);
  expect(verdict, Cause::kOtherVm, 4.9,
         "Has work but no CPU 50 % of its time (5.00 s): batch has it 89 % of that (4.45 s). In "
         "all: co-located VM, 49 % (4.90 s). Second: platform, 1 % (100 ms).");
  EXPECT_EQ(verdict.second.cause, Cause::kPlatform);
  EXPECT_EQ(verdict.second.ns, kSecond / 10);
  EXPECT_EQ(verdict.lost_ns, verdict.cost_ns);
}

TEST(Verdict, a_vm_whose_name_is_not_known_is_not_guessed) {
  expect(untold(starved(FLOW_CULPRIT_OTHER_VM)), Cause::kOtherVm, 5,
         "Has work but no CPU 50 % of its time (5.00 s): another VM, not known which, has it 100 % "
         "of that (5.00 s).");
}

TEST(Verdict, siblings_and_threads_of_its_own_are_its_own_load) {
  auto flow = starved(FLOW_CULPRIT_OWN_VM);
  flow.time.state_ns[FLOW_GUEST] = 0;
  flow.time.state_ns[FLOW_HALTED] = 5 * kSecond;
  flow.per_vcpu = {{0, 4712, flow.time}};
  const std::string has =
      "Has work but no CPU 50 % of its time (5.00 s): its own vCPUs and threads have it 100 % of "
      "that (5.00 s)";
  expect(told(flow), Cause::kOwnLoad, 5, has + ".");
  expect(untold(flow), Cause::kUnknown, 5, has + ": " + kWhich);
  EXPECT_EQ(untold(flow).lost_ns, 5 * kSecond);
}

TEST(Verdict, tasks_and_interrupts_of_the_host_are_the_platform) {
  const std::vector<NamedCulprit> backup = {{FLOW_CULPRIT_HOST_TASK, "backup", 99, 5 * kSecond}};
  expect(untold(starved(FLOW_CULPRIT_HOST_TASK), backup), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the host's backup (pid 99) has it 100 % "
         "of that (5.00 s).");
  const std::vector<NamedCulprit> kswapd = {
      {FLOW_CULPRIT_HOST_TASK, "backup", 99, 5 * kSecond},
      {FLOW_CULPRIT_KERNEL_THREAD, "kswapd0", 60, 4 * kSecond}};
  expect(untold(starved(FLOW_CULPRIT_KERNEL_THREAD), kswapd), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the host's kswapd0 (pid 60) has it 80 % "
         "of that (4.00 s). In all: platform, 50 % (5.00 s).");
  expect(untold(starved(FLOW_CULPRIT_IRQ)), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the host's interrupts have it 100 % of "
         "that (5.00 s).");
  expect(untold(starved(FLOW_CULPRIT_NONE)), Cause::kPlatform, 5,
         "Has work but no CPU 50 % of its time (5.00 s): the CPU was idle 100 % of that (5.00 s), "
         "it is woken late.");
}

TEST(Verdict, a_culprit_that_nobody_knows_is_unknown) {
  expect(untold(starved(FLOW_CULPRIT_UNKNOWN)), Cause::kUnknown, 5,
         "Has work but no CPU 50 % of its time (5.00 s): who has it then is not known.");
  // Nothing is told at all.
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_READY, 5}});
  expect(untold(flow), Cause::kUnknown, 5,
         "Has work but no CPU 50 % of its time (5.00 s): who has it then is not known.");
  flow.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond / 2;
  expect(untold(flow), Cause::kUnknown, 4.5,
         "Has work but no CPU 50 % of its time (5.00 s): who has it 90 % of that (4.50 s) is not "
         "known. Second: co-located VM, 5 % (500 ms).");
}

TEST(Verdict, quota_vmm_and_debugger_are_the_platform) {
  expect(untold(vm({{FLOW_GUEST, 8}, {FLOW_THROTTLED, 2}})), Cause::kPlatform, 2,
         "Its CPU quota stops it 20 % of its time (2.00 s).");
  auto blocked = vm({{FLOW_GUEST, 7}, {FLOW_VMM_BLOCKED, 3}});
  expect(untold(blocked), Cause::kPlatform, 3,
         "Waits for its VMM 30 % of its time (3.00 s): in what is not known.");
  blocked.block_ns[FLOW_BLOCK_MEMORY] = 3 * kSecond;
  expect(untold(blocked), Cause::kPlatform, 3,
         "Waits for its VMM 30 % of its time (3.00 s): a page of its memory is not there.");
  expect(untold(vm({{FLOW_GUEST, 6}, {FLOW_PAUSED, 4}})), Cause::kPlatform, 4,
         "Is stopped 40 % of its time (4.00 s), by its VMM or a debugger.");
}

TEST(Verdict, what_several_kinds_took_is_said_in_all) {
  const auto verdict = untold(vm({{FLOW_GUEST, 4}, {FLOW_THROTTLED, 2}, {FLOW_PAUSED, 4}}));
  expect(verdict, Cause::kPlatform, 6,
         "Is stopped 40 % of its time (4.00 s), by its VMM or a debugger. In all: platform, 60 % "
         "(6.00 s).");
}

TEST(Verdict, an_exit_storm_is_the_vms_own_load) {
  auto flow = vm({{FLOW_GUEST, 6}, {FLOW_KVM, 4}});
  flow.exits = {{"cpuid", 98540, 4 * kSecond}, {"hlt", 5, 5000}};
  const std::string storm =
      "98\xC2\xA0"
      "540 cpuid exits take 40 % of its CPU time (4.00 s).";
  expect(untold(flow), Cause::kOwnLoad, 4,
         "An exit storm of its own: " + storm + " Second: unknown, 60 % (6.00 s).");
  EXPECT_EQ(untold(flow).lost_ns, 4 * kSecond);
  expect(told(flow), Cause::kOwnLoad, 10,
         "Works 100 % of its time (10.0 s): a load of its own, and " + storm);
  flow.exits[0].ns = 2 * kSecond;  // a fifth of the CPU time is no storm
  EXPECT_EQ(untold(flow).lost_ns, 0u);
  EXPECT_EQ(untold(flow).cause, Cause::kUnknown);
}

// As the demo's: others take a quarter of its time, the handling of its exits more.
TEST(Verdict, an_exit_storm_is_told_of_a_vm_that_waits_too) {
  auto flow = vm({{FLOW_GUEST, 4.4}, {FLOW_KVM, 3}, {FLOW_READY, 2.6}});
  flow.culprit_ns[FLOW_CULPRIT_OTHER_VM] = 2'600'000'000;
  flow.exits = {{"cpuid", 98540, 3 * kSecond}};
  expect(untold(flow), Cause::kOwnLoad, 3,
         "An exit storm of its own: 98\xC2\xA0"
         "540 cpuid exits take 41 % of its CPU time (3.00 s). Second: co-located VM, 26 % (2.60 "
         "s).");
}

TEST(Verdict, a_vm_without_entries_is_not_called_well) {
  auto flow = vm({{FLOW_KVM, 10}});
  flow.exits.clear();
  const std::string blind =
      "What it does is not known: KVM reports neither VM entries nor VM exits of it.";
  expect(untold(flow), Cause::kUnknown, 10, blind);
  flow.exits = {{"cpuid", 1000, kSecond}};
  EXPECT_NE(untold(flow).sentence, blind);
  auto calm = vm({{FLOW_KVM, 2}, {FLOW_HALTED, 8}});
  EXPECT_EQ(untold(calm).cause, Cause::kNothing);
  calm.exits.clear();
  expect(untold(calm), Cause::kUnknown, 0, blind);
}

TEST(Verdict, a_single_exit_that_takes_long_is_no_storm) {
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_VMM, 5}});
  flow.exits = {{"ioio", 1, 5 * kSecond}};
  const std::string emulated =
      "Its VMM works 50 % of its time (5.00 s) for it: look at its emulated devices. Second: "
      "unknown, 50 % (5.00 s).";
  expect(untold(flow), Cause::kPlatform, 5, emulated);
  flow.exits = {{"ioio", 50'000, 5 * kSecond}};
  expect(untold(flow), Cause::kPlatform, 5, emulated);
}

TEST(Verdict, a_disk_is_only_blamed_on_whom_it_worked_for) {
  auto flow = vm({{FLOW_GUEST, 5}, {FLOW_HALTED, 5}});
  flow.disk_pending_ns = 5 * kSecond;  // though its timer woke it
  flow.wait_ns[static_cast<size_t>(WaitReason::kTimer)] = 5 * kSecond;
  const std::string waits = "Waits for its disk 50 % of its time (5.00 s)";
  expect(untold(flow), Cause::kUnknown, 5, waits + ": whose fault that is is not known.");
  flow.disk = DiskFlow{};
  flow.disk->halted_ns = 5 * kSecond;
  flow.disk->done[FLOW_DISK_READ] = {.operations = 8000, .bytes = 0, .ns = 8 * kSecond};
  expect(told(flow), Cause::kOwnLoad, 5, waits + ", which serves no other VM meanwhile.");
  expect(untold(flow), Cause::kUnknown, 5,
         waits + ", which serves no other VM meanwhile: " + kWhich);
  flow.disk->waited_ns = 6 * kSecond;
  expect(untold(flow), Cause::kOtherVm, 5,
         waits + ": it serves other VMs 75 % of the requests' time.");
  flow.disk->waited_ns = 0;
  flow.disk->held_ns = 7 * kSecond;
  expect(untold(flow), Cause::kPlatform, 5,
         waits + ": its io.max holds requests back 88 % of their time.");
  flow.disk->held_ns = 0;
  flow.disk->done[FLOW_DISK_READ].operations = 100;
  expect(untold(flow), Cause::kPlatform, 5,
         "Is slowed 50 % of its time (5.00 s): its disk took long for every request.");
}

TEST(Verdict, a_disk_that_hardly_serves_others_is_not_said_to_serve_nobody) {
  auto flow = vm({{FLOW_GUEST, 2}, {FLOW_HALTED, 8}});
  flow.disk = DiskFlow{};
  flow.disk->halted_ns = 8 * kSecond;
  flow.disk->waited_ns = kSecond;
  flow.disk->done[FLOW_DISK_READ] = {.operations = 8000, .bytes = 0, .ns = 8 * kSecond};
  expect(told(flow), Cause::kOwnLoad, 7,
         "Waits for its disk 70 % of its time (7.00 s), which hardly serves other VMs meanwhile. "
         "Second: co-located VM, 10 % (1.00 s).");
}

TEST(Verdict, of_a_disk_that_serves_others_for_a_while_it_says_how_long) {
  auto flow = vm({{FLOW_GUEST, 2}, {FLOW_HALTED, 8}});
  flow.disk = DiskFlow{};
  flow.disk->halted_ns = 8 * kSecond;
  flow.disk->waited_ns = 4 * kSecond;
  flow.disk->done[FLOW_DISK_WRITE] = {.operations = 80, .bytes = 0, .ns = 8 * kSecond};
  expect(untold(flow), Cause::kOtherVm, 4,
         "Waits for its disk 80 % of its time (8.00 s): it serves other VMs 50 % of the requests' "
         "time. In all: co-located VM, 40 % (4.00 s).");
}

TEST(Verdict, a_load_is_its_own_only_if_its_processes_tell) {
  const auto busy = vm({{FLOW_GUEST, 9.8}, {FLOW_KVM, 0.2}});
  expect(untold(busy), Cause::kUnknown, 10, "Works 100 % of its time (10.0 s): " + kWhich);
  expect(told(busy), Cause::kOwnLoad, 10,
         "Works 100 % of its time (10.0 s): a load of its own, nothing takes the CPU from it.");
  EXPECT_EQ(untold(busy).lost_ns, 0u) << "work is not lost";
  EXPECT_EQ(told(busy).lost_ns, 0u);
  expect(verdict_of(busy, {}, GuestContention{.behind_share = 0.75}), Cause::kInsideVm, 7.5,
         "Is slowed 75 % of its time (7.50 s): its processes waited for one another's vCPU. "
         "Second: own load, 25 % (2.50 s).");
}

TEST(Verdict, work_does_not_hide_what_others_take) {
  auto flow = vm({{FLOW_GUEST, 9}, {FLOW_READY, 1}});
  flow.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond;
  const auto verdict = told(flow);
  expect(verdict, Cause::kOwnLoad, 9,
         "Works 90 % of its time (9.00 s): a load of its own. Second: co-located VM, 10 % (1.00 "
         "s).");
  EXPECT_EQ(verdict.lost_ns, kSecond);
  EXPECT_EQ(untold(flow).lost_ns, kSecond);
}

TEST(Verdict, nothing_hurts_who_sleeps_or_works_a_little) {
  auto sleeper = vm({{FLOW_GUEST, 1}, {FLOW_HALTED, 9}});
  expect(untold(sleeper), Cause::kNothing, 0,
         "Nothing hurts it: it sleeps 90 % of its time (9.00 s), until what is not known.");
  sleeper.wait_ns[static_cast<size_t>(WaitReason::kTimer)] = 9 * kSecond;
  expect(untold(sleeper), Cause::kNothing, 0,
         "Nothing hurts it: it sleeps 90 % of its time (9.00 s), until its timer wakes it.");
  expect(untold(vm({{FLOW_GUEST, 7}, {FLOW_HALTED, 3}})), Cause::kNothing, 0,
         "Nothing hurts it: it works 70 % of its time (7.00 s).");
  expect(untold(vm({{FLOW_GUEST, 5}, {FLOW_HALTED, 5}})), Cause::kNothing, 0,
         "Nothing hurts it: it works.");
}

TEST(Verdict, busy_vcpus_among_idle_ones_are_seen) {
  auto flow = vm({{FLOW_GUEST, 10}, {FLOW_HALTED, 30}});
  flow.per_vcpu.clear();
  for (uint32_t id = 0; id < 4; id++)
    flow.per_vcpu.push_back({id, 100 + id, vm({{id == 2 ? FLOW_GUEST : FLOW_HALTED, 10}}).time});
  expect(told(flow), Cause::kOwnLoad, 10,
         "Its vCPU 2 does nothing but work, one of 4 (10.0 s): a load of its own, nothing takes "
         "the CPU from it.");
  expect(untold(flow), Cause::kUnknown, 10,
         "Its vCPU 2 does nothing but work, one of 4 (10.0 s): " + kWhich);
  flow.time = vm({{FLOW_GUEST, 20}, {FLOW_HALTED, 20}}).time;
  flow.per_vcpu[0].time = flow.per_vcpu[2].time;
  expect(untold(flow), Cause::kUnknown, 20,
         "2 of its 4 vCPUs do nothing but work (20.0 s): " + kWhich);
}

TEST(Verdict, little_lost_counts_if_little_was_wanted) {
  auto idle = vm({{FLOW_GUEST, 0.2}, {FLOW_HALTED, 9.6}, {FLOW_READY, 0.2}});
  idle.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond / 5;
  EXPECT_EQ(untold(idle).cause, Cause::kOtherVm) << "it runs half as fast as it could";
  auto busy = vm({{FLOW_GUEST, 9.8}, {FLOW_READY, 0.2}});
  busy.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond / 5;
  EXPECT_EQ(told(busy).cause, Cause::kOwnLoad);
  EXPECT_EQ(told(busy).lost_ns, 0u);
}

TEST(Verdict, without_time_or_with_gaps_nothing_is_claimed) {
  expect(untold(VmFlow{}), Cause::kUnknown, 0, "The trace shows no time of it.");
  auto brief = starved(FLOW_CULPRIT_OTHER_VM);
  for (auto& ns : brief.time.state_ns) ns /= 101;
  expect(untold(brief), Cause::kUnknown, 0,
         "Not enough evidence: the trace shows no more than 99.0 ms of it.");
  auto lost = vm({{FLOW_GUEST, 4}, {FLOW_READY, 1}});
  lost.culprit_ns[FLOW_CULPRIT_OTHER_VM] = kSecond;
  lost.time.unaccounted_ns = 5 * kSecond;
  lost.per_vcpu = {{0, 4712, lost.time}};
  expect(untold(lost), Cause::kUnknown, 5,
         "What happens to it is not known: the trace does not account for 50 % of its time "
         "(5.00 s). Second: co-located VM, 10 % (1.00 s).");
}

TEST(Verdict, absurd_sums_are_survived) {
  auto flow = vm({});
  flow.time.state_ns.fill(std::numeric_limits<uint64_t>::max());
  flow.culprit_ns.fill(std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(untold(flow).sentence.empty());
}

}  // namespace vmflow::test
