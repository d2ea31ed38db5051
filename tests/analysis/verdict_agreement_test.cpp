// SPDX-License-Identifier: GPL-2.0-only
// The verdict on a trace and the live one are the same for the same time.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "analysis/slowdown_book.h"
#include "analysis/slowdown_rules.h"
#include "analysis/slowdown_verdict.h"
#include "analysis/verdict.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr GuestContention kAlone{.behind_share = 0};

/// Ten seconds of one vCPU, of which most went to one kind.
struct Drawn {
  SlowdownKind kind;
  VmFlow vm;
  std::optional<GuestContention> processes = kAlone;
};

/// Ten seconds, `seconds` of them in `state`, the rest asleep.
VmFlow mostly(flow_state state, uint64_t seconds) {
  VmFlow vm;
  vm.label = "4711-7";
  vm.time.state_ns[FLOW_HALTED] = (10 - seconds) * kSecond;
  vm.time.state_ns[state] += seconds * kSecond;
  vm.per_vcpu = {{0, 4712, vm.time}};
  vm.exits = {{"hlt", 100, 5000}};
  return vm;
}

Drawn taken(SlowdownKind kind, flow_culprit culprit) {
  auto vm = mostly(FLOW_READY, 6);
  vm.culprit_ns[culprit] = 6 * kSecond;
  return {kind, vm};
}

Drawn blocked(SlowdownKind kind, flow_block block) {
  auto vm = mostly(FLOW_VMM_BLOCKED, 6);
  vm.block_ns[block] = 6 * kSecond;
  return {kind, vm};
}

Drawn disk(SlowdownKind kind, uint64_t waited_ns, uint64_t held_ns, uint64_t operations) {
  auto vm = mostly(FLOW_HALTED, 10);
  vm.disk = DiskFlow{};
  vm.disk->halted_ns = 8 * kSecond;
  vm.disk->waited_ns = waited_ns;
  vm.disk->held_ns = held_ns;
  vm.disk->done[FLOW_DISK_READ] = {.operations = operations, .bytes = 0, .ns = 9 * kSecond};
  return {kind, vm};
}

Drawn exit_storm() {
  auto vm = mostly(FLOW_KVM, 4);
  vm.exits = {{"cpuid", 98540, 4 * kSecond}};
  return {SlowdownKind::kExitStorm, vm};
}

Drawn nested() {
  auto vm = mostly(FLOW_GUEST, 10);
  vm.levels = NestedSums{};
  vm.levels->level_ns[FLOW_L1] = 7 * kSecond;
  return {SlowdownKind::kNestedHypervisors, vm};
}

Drawn with_packets() {
  auto vm = mostly(FLOW_HALTED, 10);
  vm.net = NetFlow{.received = {}, .tap = NetFlow::Tap{}};
  vm.net->tap->halted_ns = 6 * kSecond;
  return {SlowdownKind::kNetBackend, vm};
}

Drawn unaccounted() {
  auto vm = mostly(FLOW_HALTED, 10);
  vm.time.unaccounted_ns = 6 * kSecond;
  vm.per_vcpu[0].time = vm.time;
  return {SlowdownKind::kUnaccounted, vm};
}

Drawn disk_untold() {
  auto vm = mostly(FLOW_HALTED, 10);
  vm.wait_ns[static_cast<size_t>(WaitReason::kDisk)] = 6 * kSecond;
  return {SlowdownKind::kDiskUntold, vm};
}

Drawn for_kind(SlowdownKind kind) {
  switch (kind) {
    case SlowdownKind::kCpuOtherVm:
      return taken(kind, FLOW_CULPRIT_OTHER_VM);
    case SlowdownKind::kCpuHostTask:
      return taken(kind, FLOW_CULPRIT_HOST_TASK);
    case SlowdownKind::kCpuKernelThread:
      return taken(kind, FLOW_CULPRIT_KERNEL_THREAD);
    case SlowdownKind::kCpuInterrupts:
      return taken(kind, FLOW_CULPRIT_IRQ);
    case SlowdownKind::kCpuIdle:
      return taken(kind, FLOW_CULPRIT_NONE);
    case SlowdownKind::kCpuUnknown:
      return taken(kind, FLOW_CULPRIT_UNKNOWN);
    case SlowdownKind::kOwnThreads:
      return taken(kind, FLOW_CULPRIT_OWN_VM);
    case SlowdownKind::kQuota:
      return {kind, mostly(FLOW_THROTTLED, 6)};
    case SlowdownKind::kPaused:
      return {kind, mostly(FLOW_PAUSED, 6)};
    case SlowdownKind::kMemory:
      return blocked(kind, FLOW_BLOCK_MEMORY);
    case SlowdownKind::kVmmIo:
      return blocked(kind, FLOW_BLOCK_IO);
    case SlowdownKind::kVmmLock:
      return blocked(kind, FLOW_BLOCK_LOCK);
    case SlowdownKind::kVmmOther:
      return blocked(kind, FLOW_BLOCK_OTHER);
    case SlowdownKind::kDiskOtherVm:
      return disk(kind, 7 * kSecond, 0, 500);
    case SlowdownKind::kDiskHeld:
      return disk(kind, 0, 7 * kSecond, 500);
    case SlowdownKind::kDiskSlow:
      return disk(kind, 0, 0, 20);
    case SlowdownKind::kOwnDisk:
      return disk(kind, 0, 0, 5000);
    case SlowdownKind::kNetBackend:
      return with_packets();
    case SlowdownKind::kEmulation:
      return {kind, mostly(FLOW_VMM, 10)};
    case SlowdownKind::kNestedHypervisors:
      return nested();
    case SlowdownKind::kProcesses:
      return {kind, mostly(FLOW_GUEST, 10), GuestContention{.behind_share = 0.8}};
    case SlowdownKind::kExitStorm:
      return exit_storm();
    case SlowdownKind::kOwnWork:
      return {kind, mostly(FLOW_GUEST, 10)};
    case SlowdownKind::kUntold:
      return {kind, mostly(FLOW_GUEST, 10), std::nullopt};
    case SlowdownKind::kDiskUntold:
      return disk_untold();
    case SlowdownKind::kUnaccounted:
      return unaccounted();
  }
  return {};
}

/// What the API says of a VM that did this between two looks.
SlowdownVerdict live(VmFlow vm, const std::optional<GuestContention>& processes) {
  SlowdownBook book;
  book.take_in({.now_ns = kSecond, .point = {}, .processes = processes, .taken = {}});
  book.take_in(
      {.now_ns = 20 * kSecond, .point = slowdown_point(vm), .processes = processes, .taken = {}});
  vm.slowdown = book.flow();
  return slowdown_verdict(vm, FlowModel{});
}

void expect_agreement(const VmFlow& vm, const std::optional<GuestContention>& processes) {
  const auto now = live(vm, processes);
  const auto then = verdict_of(vm, {}, processes);
  EXPECT_EQ(cause_name(then.cause), cause_name(now.first.cause)) << then.sentence << now.sentence;
  EXPECT_EQ(then.cost_ns, now.first.ns) << then.sentence;
  EXPECT_EQ(cause_name(then.second.cause), cause_name(now.second.cause)) << then.sentence;
  EXPECT_EQ(then.second.ns, now.second.ns) << then.sentence;
}

class DrawnVms {
 public:
  /// One whose parts sum to their wholes.
  VmFlow complete() {
    VmFlow vm;
    vm.label = "4711-7";
    for (uint32_t id = 0, vcpus = 1 + up_to(2); id < vcpus; id++) add_vcpu(vm, id);
    split(vm.culprit_ns, vm.time.state_ns[FLOW_READY]);
    split(vm.block_ns, vm.time.state_ns[FLOW_VMM_BLOCKED]);
    split(vm.wait_ns, vm.time.state_ns[FLOW_HALTED]);
    const auto& ns = vm.time.state_ns;
    for (const auto* reason : {"cpuid", "msr"})
      vm.exits.push_back({reason, 1 + up_to(50'000), up_to(ns[FLOW_KVM] + ns[FLOW_VMM])});
    if (up_to(1) == 1) add_disk(vm);
    if (up_to(3) == 0) vm.net_pending_ns = up_to(ns[FLOW_HALTED]);
    if (up_to(3) == 0) vm.levels = NestedSums{.level_ns = {up_to(kSecond), up_to(9 * kSecond)}};
    return vm;
  }

  /// One with waits that have not ended, or with more than there can be.
  VmFlow broken() {
    auto vm = complete();
    for (auto& ns : vm.culprit_ns) ns = up_to(2 * ns + kSecond);
    for (auto& ns : vm.block_ns) ns = up_to(2 * ns);
    for (auto& exit : vm.exits) exit.ns = up_to(20 * kSecond);
    if (vm.disk) vm.disk->halted_ns = up_to(20 * kSecond);
    vm.net_pending_ns = up_to(20 * kSecond);
    if (up_to(1) == 1) vm.per_vcpu.pop_back();
    return vm;
  }

  std::optional<GuestContention> processes() {
    if (up_to(1) == 0) return std::nullopt;
    return GuestContention{.behind_share = static_cast<double>(up_to(10)) / 10};
  }

 private:
  uint64_t up_to(uint64_t most) {
    return std::uniform_int_distribution<uint64_t>(0, most)(random_);
  }

  template <size_t kSize>
  void split(std::array<uint64_t, kSize>& parts, uint64_t whole_ns) {
    for (auto& ns : parts) whole_ns -= ns = up_to(3) == 0 ? up_to(whole_ns) : 0;
    parts[up_to(kSize - 1)] += whole_ns;
  }

  /// Ten seconds, a few states of it.
  void add_vcpu(VmFlow& vm, uint32_t id) {
    VcpuTime vcpu{id, 4712 + id, {}};
    split(vcpu.time.state_ns, 10 * kSecond);
    if (up_to(3) == 0) vcpu.time.unaccounted_ns = up_to(5 * kSecond);
    for (uint32_t state = 0; state < FLOW_STATES; state++)
      vm.time.state_ns[state] += vcpu.time.state_ns[state];
    vm.time.unaccounted_ns += vcpu.time.unaccounted_ns;
    vm.per_vcpu.push_back(vcpu);
  }

  void add_disk(VmFlow& vm) {
    vm.disk = DiskFlow{};
    vm.disk->halted_ns = up_to(vm.time.state_ns[FLOW_HALTED]);
    vm.disk->waited_ns = up_to(1) * up_to(9 * kSecond);
    vm.disk->held_ns = up_to(1) * up_to(9 * kSecond);
    vm.disk->done[FLOW_DISK_READ] = {
        .operations = 1 + up_to(5000), .bytes = 0, .ns = up_to(20 * kSecond)};
  }

  std::mt19937_64 random_{7};
};

}  // namespace

TEST(VerdictAgreement, of_every_kind_live_and_trace_have_the_cause_and_its_seconds) {
  for (const auto& rule : slowdown_rules()) {
    SCOPED_TRACE(rule.name);
    const auto drawn = for_kind(rule.kind);
    const auto now = live(drawn.vm, drawn.processes);
    ASSERT_FALSE(now.kinds.empty());
    EXPECT_EQ(slowdown_rule(now.kinds.front().kind).name, rule.name);
    EXPECT_EQ(cause_name(now.first.cause), cause_name(rule.cause));
    EXPECT_GE(now.first.ns, 4 * kSecond);
    expect_agreement(drawn.vm, drawn.processes);
  }
}

TEST(VerdictAgreement, every_kind_has_a_sentence_of_its_own) {
  std::vector<std::string> sentences;
  for (const auto& rule : slowdown_rules()) {
    const auto drawn = for_kind(rule.kind);
    sentences.push_back(verdict_of(drawn.vm, {}, drawn.processes).sentence);
    EXPECT_EQ(sentences.back().find("Nothing hurts"), std::string::npos) << rule.name;
  }
  std::ranges::sort(sentences);
  EXPECT_EQ(std::ranges::adjacent_find(sentences), sentences.end());
}

TEST(VerdictAgreement, of_drawn_vms_live_and_trace_say_the_same) {
  DrawnVms drawn;
  for (int i = 0; i < 5000 && !testing::Test::HasFailure(); i++)
    expect_agreement(drawn.complete(), drawn.processes());
}

TEST(VerdictAgreement, no_verdict_claims_more_than_there_was) {
  DrawnVms drawn;
  for (int i = 0; i < 5000 && !testing::Test::HasFailure(); i++) {
    const auto vm = drawn.broken();
    const auto verdict = verdict_of(vm, {}, drawn.processes());
    const auto& ns = vm.time.state_ns;
    EXPECT_EQ(verdict.of_ns, std::accumulate(ns.begin(), ns.end(), vm.time.unaccounted_ns));
    EXPECT_LE(verdict.cost_ns + verdict.second.ns, verdict.of_ns) << verdict.sentence;
    EXPECT_LE(verdict.lost_ns, verdict.of_ns) << verdict.sentence;
    EXPECT_TRUE(verdict.cause == Cause::kNothing || verdict.cause != verdict.second.cause);
    EXPECT_TRUE(verdict.sentence.ends_with(".")) << verdict.sentence;
    EXPECT_EQ(verdict.sentence.find("Second: ") == std::string::npos,
              verdict.second.cause == Cause::kNothing || verdict.cause == Cause::kNothing)
        << verdict.sentence;
  }
}

}  // namespace vmflow::test
