// SPDX-License-Identifier: GPL-2.0-only
// The drawn tables of the state machine, played directly and as the events that the kernel side
// would have recorded: the ledgers must be the same.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_trace.h"
#include "tests/bpf/flow_tables.h"
#include "tests/bpf/nested_tables.h"

namespace vmflow::test {
namespace {

const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")};
constexpr uint64_t kKvm = 0x1000;
constexpr uint32_t kOtherCpu = 3;

/// The event that a step stands for; false: it is not one of the vCPU's own trace.
bool draw(DrawnTrace& trace, const flow_step& step, uint32_t isa = FLOW_ISA_SVM) {
  trace.on(0, kVcpu, kKvm);
  const auto a = static_cast<uint32_t>(step.a);
  switch (step.kind) {
    case STEP_ENTRY:
      trace.at(step.at_ns, EntryEvent{.vcpu_id = 0});
      return true;
    case STEP_EXIT:
      trace.at(step.at_ns, ExitEvent{.code = a, .isa = isa, .rip = 0, .vcpu_id = 0});
      return true;
    case STEP_USERSPACE_EXIT:
      trace.at(step.at_ns, UserspaceExitEvent{.reason = a, .error = 0});
      return true;
    case STEP_OUT:
      trace.at(step.at_ns, VcpuOutEvent{.state = a,
                                        .block = step.b ? step.b - 1 : uint32_t{FLOW_BLOCK_OTHER},
                                        .throttled = false});
      return true;
    case STEP_IN:
      trace.at(step.at_ns,
               VcpuInEvent{
                   .in_kvm_run = a != 0, .disk_pending_ns = step.b, .net_pending_ns = step.b / 2});
      return true;
    case STEP_HALT_END:
      trace.at(
          step.at_ns,
          HaltEndEvent{.halt_ns = 0, .polled_ns = step.a, .waited = step.b != 0, .valid = true});
      return true;
    case STEP_WAKE:
      trace.on(kOtherCpu, {200, 200, comm_of("waker")});
      trace.at(step.at_ns, WakeEvent{.tid = kVcpu.tid, .waker = step.a});
      return true;
    case STEP_ACCEPT:
      trace.accept(step.at_ns, 0);
      return true;
    case STEP_RUN:
      trace.at(step.at_ns, RunEvent{});
      return true;
    case STEP_END:
      trace.at(step.at_ns, ThreadExitEvent{.tid = kVcpu.tid});
      return true;
    default:
      return false;
  }
}

void expect_same(const vcpu_flow& replayed, const vcpu_flow& direct) {
  EXPECT_EQ(sums_of(replayed), sums_of(direct));
  EXPECT_EQ(exits_of(replayed), exits_of(direct));
  const auto same = [](const auto& a, const auto& b) {
    return std::equal(std::begin(a), std::end(a), std::begin(b));
  };
  EXPECT_TRUE(same(replayed.wait_ns, direct.wait_ns));
  EXPECT_TRUE(same(replayed.block_ns, direct.block_ns));
  EXPECT_TRUE(same(replayed.culprit_ns, direct.culprit_ns));
  EXPECT_TRUE(same(replayed.anomaly, direct.anomaly));
  EXPECT_TRUE(same(replayed.handled, direct.handled));
  EXPECT_TRUE(same(replayed.queued, direct.queued));
  EXPECT_TRUE(same(replayed.userspace, direct.userspace));
  EXPECT_EQ(replayed.unsettled_ns, direct.unsettled_ns);
  EXPECT_EQ(replayed.disk_pending_ns, direct.disk_pending_ns);
  EXPECT_EQ(replayed.net_pending_ns, direct.net_pending_ns);
  EXPECT_EQ(replayed.poll_fail_ns, direct.poll_fail_ns);
  EXPECT_EQ(replayed.state, direct.state);
}

}  // namespace

class ReplayTables : public testing::TestWithParam<FlowTable> {};

TEST_P(ReplayTables, give_the_ledger_that_the_kernel_keeps) {
  vcpu_flow flow{};
  vcpu_mailbox mailbox{};
  DrawnTrace trace;
  // Whose fault a wait was is told by switches of other threads: see replay_ready_test.
  for (const auto& step : GetParam().steps)
    if (draw(trace, step)) flow_play_step(&flow, &mailbox, &step);
  const auto result = replay(trace.events, {.vendor = Vendor::kSvm});
  ASSERT_EQ(result.vcpus.size(), 1u);
  expect_same(result.snapshot.slots[0].slot.flow, flow);
  expect_conserved(result);
}

INSTANTIATE_TEST_SUITE_P(FlowReplay, ReplayTables, testing::ValuesIn(flow_tables()),
                         [](const auto& info) { return info.param.name; });

class ReplayNestedTables : public testing::TestWithParam<NestedTable> {};

TEST_P(ReplayNestedTables, give_the_levels_that_the_kernel_keeps) {
  nested_play play{};
  DrawnTrace trace;
  bool is_vmx = false;
  for (const auto& step : GetParam().steps) is_vmx |= step.kind == STEP_NESTED_REFLECT && step.b;
  for (const auto& step : GetParam().steps) {
    nested_play_step(&play, &step);
    trace.on(0, kVcpu, kKvm);
    if (step.kind == STEP_NESTED_ENTER)
      trace.at(step.at_ns, NestedEnterEvent{.vmcb12 = step.a, .root = 0});
    else if (step.kind == STEP_NESTED_EXIT)
      trace.at(step.at_ns, NestedExitEvent{});
    else if (step.kind == STEP_NESTED_REFLECT)
      trace.at(step.at_ns, NestedReflectEvent{.code = static_cast<uint32_t>(step.a)});
    else
      draw(trace, step, is_vmx ? FLOW_ISA_VMX : FLOW_ISA_SVM);
  }
  const auto result = replay(trace.events);
  ASSERT_EQ(result.vcpus.size(), 1u);
  const nested_flow& nested = result.snapshot.slots[0].slot.nested;
  for (uint32_t level = 0; level < FLOW_LEVELS; level++)
    EXPECT_EQ(nested.level_ns[level], play.nested.level_ns[level]) << level;
  EXPECT_EQ(nested.entries, play.nested.entries);
  EXPECT_EQ(nested.handled, play.nested.handled);
  EXPECT_EQ(nested.reflected, play.nested.reflected);
  for (const auto& book : play.book) {
    if (book.entries == 0) continue;
    const auto found =
        std::ranges::find(result.snapshot.nested, book.vmcb12,
                          [](const NestedReading& reading) { return reading.key.vmcb12; });
    ASSERT_NE(found, result.snapshot.nested.end());
    EXPECT_EQ(found->record.l0_ns, book.l0_ns);
    EXPECT_EQ(found->record.l1_ns, book.l1_ns);
    EXPECT_EQ(found->record.l2_ns, book.l2_ns);
    EXPECT_EQ(found->record.entries, book.entries);
    EXPECT_TRUE(
        std::equal(std::begin(book.handled), std::end(book.handled), found->record.handled));
    EXPECT_TRUE(
        std::equal(std::begin(book.reflected), std::end(book.reflected), found->record.reflected));
  }
  expect_conserved(result);
}

INSTANTIATE_TEST_SUITE_P(FlowReplay, ReplayNestedTables, testing::ValuesIn(nested_tables()),
                         [](const auto& info) { return info.param.name; });

}  // namespace vmflow::test
