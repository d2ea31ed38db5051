// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/wait_reason.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};

uint64_t wait_of(const VmFlow& vm, WaitReason reason) {
  return vm.wait_ns[static_cast<uint32_t>(reason)];
}

}  // namespace

TEST(WaitReason, names_differ) {
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < kWaitReasons; i++)
    names.insert(wait_reason_name(static_cast<WaitReason>(i)));
  EXPECT_EQ(names.size(), kWaitReasons);
}

TEST(WaitReason, without_evidence_is_unknown) {
  EXPECT_EQ(wait_reason(FLOW_WAKE_BARE), WaitReason::kUnknown);
  EXPECT_EQ(wait_reason(FLOW_WAKE_HARDIRQ), WaitReason::kUnknown);
}

// At every look: the reasons and the open wait are the state.
TEST(WaitReason, of_a_halt_is_open_until_it_is_known) {
  DrawnHost host;
  Books books;
  host.process(kVm, 7);
  auto& vcpu = host.take(1, kVm, 0, 100).exit(150, kHlt).out(170, FLOW_HALTED);
  auto vm = vm_called(books.look(host.look(300)), "100-7");
  EXPECT_EQ(vm.open_wait_ns[FLOW_HALTED], 130u);

  flow_post_wake(&vcpu.slot.mailbox, 400, flow_waker(0, FLOW_WAKE_HARDIRQ));
  flow_in(&vcpu.slot.flow, &vcpu.slot.mailbox, 460, 1, 0, 0);
  vm = vm_called(books.look(host.look(470)), "100-7");
  EXPECT_EQ(vm.open_wait_ns[FLOW_HALTED], 230u) << "it may have been the timer";
  EXPECT_EQ(wait_of(vm, WaitReason::kTimer), 0u);

  flow_accept(&vcpu.slot.flow);
  vcpu.entry(500);
  vm = vm_called(books.look(host.look(510)), "100-7");
  EXPECT_EQ(vm.open_wait_ns[FLOW_HALTED], 0u);
  EXPECT_EQ(wait_of(vm, WaitReason::kTimer), 230u);
  EXPECT_EQ(vm.time.state_ns[FLOW_HALTED], 230u);
}

}  // namespace vmflow::test
