// SPDX-License-Identifier: GPL-2.0-only
// What nested vCPUs do, drawn exit by exit: the rows of thesis.md 1.5, and what they leave open.
#include "analysis/nested_life.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/analysis/drawn_guest.h"

namespace vmflow::test {
namespace {

using Lines = std::vector<std::string>;
constexpr uint64_t kOne = 0x7f000, kTwo = 0x6f000;
constexpr uint64_t kQemu = 0xc000, kA = 0xa000, kB = 0xb000;

std::string text_of(const NestedStretch& stretch) {
  auto text =
      fmt::format("{} {}-{}", nested_state_name(stretch.state), stretch.begin_ns, stretch.end_ns);
  if (stretch.state == NestedState::kWaiting)
    text += fmt::format(" {}", wait_reason_name(stretch.reason));
  if (stretch.by != 0) text += fmt::format(" {:x}", stretch.by);
  return text;
}

NestedVcpu life_of(const ReplayResult& result, uint64_t vmcb12) {
  for (const auto& vm : nested_lives(result))
    for (const auto& vcpu : vm.vcpus)
      if (vcpu.vmcb12 == vmcb12) return vcpu;
  ADD_FAILURE() << "no nested vCPU " << vmcb12;
  return {};
}

Lines lines_of(const NestedVcpu& vcpu) {
  Lines lines;
  for (const auto& stretch : vcpu.stretches) lines.push_back(text_of(stretch));
  return lines;
}

/// The levels that its stretches add up to are those that the ledger has dealt out.
void expect_levels_of_the_ledger(const ReplayResult& result) {
  for (auto reading : result.snapshot.nested) {
    // A record is written when the guest is entered or left: until then the vCPU knows.
    for (const auto& copy : result.snapshot.slots) {
      auto nested = copy.slot.nested;
      const auto open = nested_deal(&nested, copy.slot.flow.ns);
      if (nested.vmcb12 != reading.key.vmcb12) continue;
      reading.record.l2_ns += open.l2_ns;
      reading.record.l0_ns += open.l0_ns;
    }
    const auto life = life_of(result, reading.key.vmcb12);
    const auto of = [&](NestedState state) { return life.state_ns[static_cast<size_t>(state)]; };
    EXPECT_EQ(of(NestedState::kRunning), reading.record.l2_ns);
    EXPECT_EQ(of(NestedState::kHost), reading.record.l0_ns);
    EXPECT_GE(of(NestedState::kHypervisor), reading.record.l1_ns) << "for a level above";
    uint64_t at_ns = life.stretches.empty() ? 0 : life.stretches.front().begin_ns, ns = 0;
    for (const auto& stretch : life.stretches) {
      EXPECT_EQ(stretch.begin_ns, at_ns);
      at_ns = stretch.end_ns;
      ns += stretch.end_ns - stretch.begin_ns;
    }
    EXPECT_EQ(ns, life.whole_ns());
  }
}

class NestedLife : public testing::TestWithParam<ExitWords> {};
INSTANTIATE_TEST_SUITE_P(BothVendors, NestedLife, both_vendors(), vendor_of);

}  // namespace

// Rows "nested VM known", "root L0", "non-root L2" and "non-root L1".
TEST_P(NestedLife, runs_on_its_level_and_those_below_work_for_it) {
  DrawnGuest host(GetParam());
  const auto& code = host.words;
  host.enters(1000).runs(2000, kOne, kQemu);
  host.handled(3000, code.interrupt, kA).reflected(4000, code.cpuid, kA);
  host.runs(5000, kOne, kQemu).handled(6000, code.interrupt, kA);
  const auto result = host.result();
  const auto life = life_of(result, kOne);
  EXPECT_EQ(lines_of(life), (Lines{"host 2000-2010", "running 2010-3000", "host 3000-3010",
                                   "running 3010-4000", "host 4000-4010", "hypervisor 4010-5000",
                                   "host 5000-5010", "running 5010-6000", "host 6000-6010"}));
  EXPECT_EQ(life.level, 2u);
  EXPECT_EQ(life.parent, 0u);
  EXPECT_EQ(life.owner, (GuestProcessKey{0, kQemu})) << "the process that has executed the VMRUN";
  expect_levels_of_the_ledger(result);
}

// Rows "idle" and "blocked": the guest halts, and so does the VM, until the disk wakes it.
TEST_P(NestedLife, waits_from_its_hlt_on_for_what_wakes_the_vm) {
  DrawnGuest host(GetParam());
  host.enters(1000).runs(2000, kOne, kQemu).handled(2500, host.words.cpuid, kA);
  host.reflected(3000, host.words.halt, kA);
  host.halts(3500, kQemu, 8000, flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_VMM_DISK));
  host.runs(8500, kOne, kQemu).handled(9000, host.words.interrupt, kA);
  const auto result = host.result();
  const auto life = life_of(result, kOne);
  EXPECT_EQ(lines_of(life), (Lines{"host 2000-2010", "running 2010-2500", "host 2500-2510",
                                   "running 2510-3000", "host 3000-3005", "waiting 3005-8500 disk",
                                   "host 8500-8510", "running 8510-9000", "host 9000-9010"}));
  EXPECT_EQ(life.wait_ns[static_cast<size_t>(WaitReason::kDisk)], 5495u);
  expect_levels_of_the_ledger(result);
  const auto vm = DrawnGuest::processes_of(result);
  const auto& a = process(vm, "cr3:a000 of 7f000");
  EXPECT_EQ(wait(a, WaitReason::kDisk), 8510u - 3000);
  EXPECT_EQ(sum_of(a), a.last_ns - a.first_ns);
}

// Its hypervisor sleeps for it, on a request to the VM's own disk: it has not halted.
TEST_P(NestedLife, waits_while_its_hypervisor_sleeps_for_it) {
  DrawnGuest host(GetParam());
  host.enters(1000).runs(2000, kOne, kQemu).reflected(3000, host.words.cpuid, kA);
  host.halts(3500, kQemu, 8000, flow_waker(DrawnGuest::kMain.tid, FLOW_WAKE_VMM_DISK));
  host.runs(8500, kOne, kQemu).handled(9000, host.words.interrupt, kA);
  const auto result = host.result();
  EXPECT_EQ(lines_of(life_of(result, kOne))[3], "waiting 3005-8500 disk");
  expect_levels_of_the_ledger(result);
}

// Row "L1-preempted": an interrupt takes the first guest out, and the VM runs the second.
TEST_P(NestedLife, is_preempted_by_its_hypervisor_for_another_guest) {
  DrawnGuest host(GetParam());
  const auto& code = host.words;
  host.enters(1000).runs(2000, kOne, kQemu, 0x8000).reflected(3000, code.interrupt, kA);
  host.runs(4000, kTwo, 0xd000, 0x9000).reflected(6000, code.interrupt, kB);
  host.runs(7000, kOne, kQemu, 0x8000).handled(8000, code.interrupt, kA);
  const auto result = host.result();
  const auto one = life_of(result, kOne), two = life_of(result, kTwo);
  EXPECT_EQ(lines_of(one), (Lines{"host 2000-2010", "running 2010-3000", "host 3000-3005",
                                  "preempted 3005-7000 6f000", "host 7000-7010",
                                  "running 7010-8000", "host 8000-8010"}));
  EXPECT_EQ(lines_of(two), (Lines{"host 4000-4010", "running 4010-6000", "host 6000-6005"}));
  EXPECT_EQ(one.preempted_by_ns, (std::map<uint64_t, uint64_t>{{kTwo, 3995}}));
  EXPECT_EQ(two.owner, (GuestProcessKey{0, 0xd000}));
  EXPECT_NE(one.nested_vm, two.nested_vm);
  expect_levels_of_the_ledger(result);
  const auto vm = DrawnGuest::processes_of(result);
  const auto& a = process(vm, "cr3:a000 of 7f000");
  EXPECT_EQ(a.behind_ns, 7010u - 3000 - 5) << "it could have gone on";
  EXPECT_EQ(a.preempted, 1u);
  EXPECT_EQ(sum_of(a), a.last_ns - a.first_ns);
}

// One guest is taken out by an interrupt; another one runs, and halts; that the other one has
// halted does not make the first one wait.
TEST_P(NestedLife, is_not_taken_to_wait_because_another_guest_has_halted) {
  DrawnGuest host(GetParam());
  const auto& code = host.words;
  host.enters(1000).runs(2000, kOne, kQemu, 0x8000).handled(2500, code.cpuid, kA);
  host.reflected(3000, code.interrupt, kA);
  host.runs(4000, kTwo, kQemu, 0x9000).handled(4500, code.cpuid, kB);
  host.reflected(6000, code.halt, kB);
  host.runs(7000, kOne, kQemu, 0x8000).handled(8000, code.interrupt, kA);
  host.reflected(8500, code.interrupt, kA);
  host.runs(9000, kTwo, kQemu, 0x9000).handled(9500, code.cpuid, kB);
  const auto vm = DrawnGuest::processes_of(host.result());
  const auto& a = process(vm, "cr3:a000 of 7f000");
  EXPECT_EQ(a.behind_ns, 7010u - 3005);
  EXPECT_EQ(wait(a, WaitReason::kUnknown), 0u);
  const auto& b = process(vm, "cr3:b000 of 6f000");
  EXPECT_EQ(b.behind_ns, 0u);
  EXPECT_EQ(wait(b, WaitReason::kUnknown), 9010u - 6000) << "it has halted, nobody told until when";
}

// Row "L0-preempted": the host gives the CPU to somebody else while the guest is in it.
TEST_P(NestedLife, is_preempted_by_the_host) {
  DrawnGuest host(GetParam());
  host.enters(1000).runs(2000, kOne, kQemu).leaves(3000, host.words.interrupt, kA);
  host.trace.at(3002, NestedExitEvent{});
  host.preempted(3010, 5000).handled(6000, host.words.interrupt, kA);
  const auto result = host.result();
  const auto life = life_of(result, kOne);
  EXPECT_EQ(lines_of(life),
            (Lines{"host 2000-2010", "running 2010-3000", "host 3000-3010", "ready 3010-5000",
                   "host 5000-5010", "running 5010-6000", "host 6000-6010"}));
  EXPECT_EQ(life.ready_ns[FLOW_CULPRIT_HOST_TASK], 1990u);
  expect_levels_of_the_ledger(result);
  const auto vm = DrawnGuest::processes_of(result);
  const auto& a = process(vm, "cr3:a000 of 7f000");
  EXPECT_EQ(a.ready_ns[FLOW_CULPRIT_HOST_TASK], 1990u);
}

// Row "new L2 process": B follows A without an interrupt, so A has woken it, or waits for it.
TEST_P(NestedLife, processes_of_a_nested_guest_wait_for_one_another) {
  DrawnGuest host(GetParam());
  const auto cpuid = host.words.cpuid;
  host.enters(1000).runs(2000, kOne, kQemu).handled(3000, cpuid, kA).handled(4000, cpuid, kA);
  host.reflected(5000, cpuid, kB).runs(6000, kOne, kQemu).handled(7000, cpuid, kA);
  const auto vm = DrawnGuest::processes_of(host.result());
  const auto &a = process(vm, "cr3:a000 of 7f000"), &b = process(vm, "cr3:b000 of 7f000");
  EXPECT_EQ(a.certain_ns + a.sampled_ns, 990u + 990 + 990);
  EXPECT_EQ(b.sampled_ns, 990u) << "it came somewhere between two exits";
  EXPECT_EQ(b.hypervisor_ns, 990u);
  EXPECT_EQ(wait(a, WaitReason::kTask), 6010u - 4010);
  ASSERT_EQ(a.wakers.size(), 1u);
  EXPECT_EQ(process_name(vm.processes[a.wakers[0].process].key), "cr3:b000 of 7f000");
  const auto& qemu = process(vm, "cr3:c000");
  EXPECT_EQ(qemu.guest_ns(), 1000u + 990);
  EXPECT_EQ(sum_of(qemu), qemu.last_ns - qemu.first_ns);
  EXPECT_EQ(wait(qemu, WaitReason::kTask), 0u) << "to run its guest is its work";
  EXPECT_GT(qemu.nested_ns, 0u);
  EXPECT_EQ(sum_of(a), a.last_ns - a.first_ns);
}

// L2 executes a VMRUN, for which the VM runs a third level; its exits go to L2 through the VM.
TEST_P(NestedLife, a_third_level_is_run_by_the_second) {
  DrawnGuest host(GetParam());
  const auto& code = host.words;
  host.enters(1000).runs(2000, kOne, kQemu, 0x8000);
  uint64_t ns = 3000;
  for (int i = 0; i < 3; i++, ns += 4000) {
    host.reflected(ns, code.runs_guest, kA).runs(ns + 1000, kTwo, kQemu, 0x9000);
    host.reflected(ns + 2000, code.cpuid, kB).runs(ns + 3000, kOne, kQemu, 0x8000);
  }
  const auto result = host.result();
  const auto two = life_of(result, kOne), three = life_of(result, kTwo);
  EXPECT_EQ(two.level, 2u);
  EXPECT_EQ(three.level, 3u);
  EXPECT_EQ(three.parent, kOne);
  EXPECT_FALSE(three.owner) << "a process of L2, of which nothing is told";
  const auto lines = lines_of(two);
  EXPECT_EQ(Lines(lines.begin(), lines.begin() + 5),
            (Lines{"host 2000-2010", "running 2010-3000", "host 3000-3005",
                   "own_guest 3005-6000 6f000", "host 6000-6010"}));
  EXPECT_EQ(lines_of(three)[3], "hypervisor 5005-8000");
  const auto vm = guest_processes(result, nested_lives(result)).at(0);
  EXPECT_EQ(process(vm, "cr3:c000").level, 1u);
  EXPECT_EQ(process(vm, "cr3:a000 of 7f000").level, 2u);
  EXPECT_EQ(process(vm, "cr3:b000 of 6f000").level, 3u);
  expect_levels_of_the_ledger(result);
}

TEST_P(NestedLife, two_vcpus_with_one_root_are_one_nested_vm_with_one_process) {
  DrawnGuest host(GetParam());
  const auto& code = host.words;
  host.enters(1000).runs(2000, kOne, kQemu).reflected(3000, code.interrupt, kA);
  host.runs(4000, kTwo, kQemu).reflected(5000, code.interrupt, kA);
  host.runs(6000, kOne, kQemu).handled(7000, code.interrupt, kA);
  const auto result = host.result();
  EXPECT_EQ(life_of(result, kTwo).nested_vm, kOne);
  const auto vm = DrawnGuest::processes_of(result);
  EXPECT_EQ(process(vm, "cr3:a000 of 7f000").guest_ns(), 3 * 990u);
  EXPECT_EQ(vm.processes.size(), 2u);
}

TEST_P(NestedLife, whose_end_was_missed_is_not_told_beyond_it) {
  DrawnGuest host(GetParam());
  host.enters(1000).runs(2000, kOne, kQemu);
  // Exits of L1: that L2 was left nobody has told.
  host.leaves(3000, host.words.interrupt, kQemu).enters(3010);
  host.leaves(4000, host.words.interrupt, kQemu).enters(4010);
  host.runs(5000, kOne, kQemu).handled(6000, host.words.interrupt, kA);
  const auto result = host.result();
  EXPECT_EQ(lines_of(life_of(result, kOne)),
            (Lines{"host 2000-2010", "running 2010-3000", "unknown 3000-5000", "host 5000-5010",
                   "running 5010-6000", "host 6000-6010"}));
  EXPECT_EQ(result.snapshot.slots[0].slot.flow.anomaly[FLOW_LEVEL_MISSED], 1u);
}

TEST(NestedLives, of_a_vm_without_guests_are_none) {
  DrawnGuest host;
  host.enters(1000)
      .leaves(2000, 0x72, kA)
      .enters(2010)
      .halts(3000, kA, 4000, flow_waker(100, FLOW_WAKE_VMM));
  EXPECT_TRUE(nested_lives(host.result()).empty());
}

// Any order of everything that can happen: what is told is the ledger's, and lost and doubled
// events only take from it.
TEST(NestedLives, of_random_events_are_conserved) {
  for (uint32_t seed = 1; seed <= 60; seed++) {
    std::mt19937 random(seed);
    DrawnGuest host(seed % 2 != 0 ? kSvmWords : kVmxWords);
    const auto& code = host.words;
    host.enters(1000);
    uint64_t ns = 2000, entered = 0;
    const auto later = [&] { return ns += 100 + random() % 900; };
    for (int i = 0; i < 300; i++) {
      const uint32_t codes[] = {code.halt, code.interrupt, code.cpuid, code.runs_guest};
      const auto cr3 = random() % 2 != 0 ? kA : kB;
      if (entered == 0) {
        const auto what = random() % 4;
        if (what == 0) {
          const auto from = later();
          host.halts(from, kQemu, later(),
                     flow_waker(100, static_cast<flow_wake_kind>(random() % FLOW_WAKE_KINDS)));
        } else if (what == 1) {
          host.leaves(later(), code.cpuid, kQemu).enters(ns + 10);
        } else {
          entered = random() % 2 != 0 ? kOne : kTwo;
          host.runs(later(), entered, random() % 8 != 0 ? kQemu : kA, entered);
        }
      } else if (random() % 3 == 0) {
        host.handled(later(), code.interrupt, cr3);
      } else if (random() % 3 == 0) {
        const auto from = later();
        host.leaves(from, code.interrupt, cr3).trace.at(from + 2, NestedExitEvent{});
        host.preempted(from + 5, later());
      } else {
        host.reflected(later(), codes[random() % 4], cr3);
        entered = 0;
      }
    }
    const auto whole = host.result();
    expect_levels_of_the_ledger(whole);
    for (const auto& process : DrawnGuest::processes_of(whole).processes)
      EXPECT_LE(sum_of(process), whole.last_ns - whole.first_ns);
    uint64_t guest_ns = 0;
    for (const auto& copy : whole.snapshot.slots)
      guest_ns += copy.slot.flow.ns[FLOW_GUEST] + copy.slot.flow.ns[FLOW_GUEST_NESTED];
    EXPECT_LE(DrawnGuest::processes_of(whole).guest_ns() - guest_ns, 1000u)
        << "and what is open at the end";
    std::vector<Event> damaged;
    for (const auto& event : host.trace.events)
      for (uint32_t copies = random() % 20 == 0 ? 0 : 1 + (random() % 20 == 0); copies > 0;
           copies--)
        damaged.push_back(event);
    const auto lost = replay(damaged, {.outs_told = true});
    for (const auto& vm : nested_lives(lost))
      for (const auto& vcpu : vm.vcpus) {
        EXPECT_LE(vcpu.whole_ns(), lost.last_ns - lost.first_ns);
        for (size_t i = 1; i < vcpu.stretches.size(); i++)
          EXPECT_GE(vcpu.stretches[i].begin_ns, vcpu.stretches[i - 1].end_ns);
      }
  }
}

}  // namespace vmflow::test
