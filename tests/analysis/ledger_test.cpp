// SPDX-License-Identifier: GPL-2.0-only
// One VM from its first look to its departure.
#include "analysis/ledger.h"

#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};
const std::string kLabel = "100-7";  // <pid>-<start ticks>

class Ledger : public testing::Test {
 protected:
  Ledger() { host_.process(kVm, 7); }

  DrawnHost host_;
  Books books_;
};

TEST_F(Ledger, a_vm_grows_from_look_to_look) {
  auto& vcpu = host_.take(1, kVm, 0, 100);
  auto vm = vm_called(books_.look(host_.look(200)), kLabel);
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 100u);
  EXPECT_EQ(exits_of(vm), 0u);
  EXPECT_EQ(vm.vcpus, 1u);

  vcpu.exit(250).entry(300);
  vm = vm_called(books_.look(host_.look(400)), kLabel);
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 150u + 100u);
  EXPECT_EQ(vm.time.state_ns[FLOW_KVM], 50u);
  EXPECT_EQ(exits_of(vm), 1u);
}

TEST_F(Ledger, the_vcpus_of_a_vm_are_added_up) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  host_.take(2, kVm, 1, 100).exit(150).out(170, FLOW_VMM_BLOCKED);
  const auto vm = vm_called(books_.look(host_.look(200)), kLabel);
  EXPECT_EQ(vm.vcpus, 2u);
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 50u + 40u + 50u);
  EXPECT_EQ(vm.time.state_ns[FLOW_KVM], 10u + 20u);
  EXPECT_EQ(vm.open_wait_ns[FLOW_VMM_BLOCKED], 30u);
  ASSERT_EQ(vm.per_vcpu.size(), 2u);
  EXPECT_EQ(vm.per_vcpu[0].tid, 102u);
  EXPECT_EQ(vm.per_vcpu[1].time.state_ns[FLOW_VMM_BLOCKED], 30u);
}

TEST_F(Ledger, a_later_smaller_reading_is_held_and_counted) {
  auto& vcpu = host_.take(1, kVm, 0, 100).exit(200).entry(300);
  books_.look(host_.look(300));  // guest 100, kvm 100
  vcpu.slot.flow.ns[FLOW_GUEST] = 60;
  const auto model = books_.look(host_.look(300));
  EXPECT_EQ(vm_called(model, kLabel).time.state_ns[FLOW_GUEST], 100u);
  EXPECT_EQ(vm_called(model, kLabel).time.state_ns[FLOW_KVM], 100u);
  EXPECT_EQ(model.health.clamps, 2u) << "the state, and the level that its time is of";
}

TEST_F(Ledger, a_sleep_whose_wakeup_is_seen_late_does_not_fall) {
  auto& vcpu = host_.take(1, kVm, 0, 100).exit(150, kHlt).out(170, FLOW_HALTED);
  books_.look(host_.look(400));  // halted 230
  vcpu.woken(390);               // written by another CPU while the slot was read
  const auto vm = vm_called(books_.look(host_.look(400)), kLabel);
  EXPECT_EQ(vm.time.state_ns[FLOW_HALTED], 230u);
  EXPECT_EQ(vm.open_wait_ns[FLOW_HALTED], 230u);
}

TEST_F(Ledger, a_vm_that_ends_moves_to_departed_once) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  host_.take(2, kVm, 1, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  host_.at(1).destroyed(300);
  host_.at(2).destroyed(300);
  for (uint64_t now_ns = 400; now_ns <= 600; now_ns += 100) {
    const auto& model = books_.look(host_.look(now_ns));
    EXPECT_TRUE(model.vms.empty());
    EXPECT_EQ(model.departed.vms, 1u);
    EXPECT_EQ(departed_exits_of(model), 2u);
    EXPECT_EQ(model.departed.time.state_ns[FLOW_GUEST], 2 * (50u + 140u));
  }
}

TEST_F(Ledger, slots_of_a_departed_vm_are_recyclable_until_they_are_gone) {
  using Slots = std::vector<SlotKey>;
  host_.take(1, kVm, 0, 100);
  host_.take(2, kVm, 1, 100);
  EXPECT_EQ(books_.look(host_.look(200)).recyclable, Slots());
  host_.at(1).destroyed(300);
  EXPECT_EQ(books_.look(host_.look(350)).recyclable, Slots());
  host_.at(2).destroyed(300);
  EXPECT_EQ(books_.look(host_.look(400)).recyclable, (Slots{{1, 1}, {2, 1}}));
  EXPECT_EQ(books_.look(host_.look(500)).recyclable, (Slots{{1, 1}, {2, 1}}));
  host_.give_back(1);
  EXPECT_EQ(books_.look(host_.look(600)).recyclable, (Slots{{2, 1}}));
  host_.give_back(2);
  EXPECT_EQ(books_.look(host_.look(700)).recyclable, Slots());
}

TEST_F(Ledger, one_destroyed_vcpu_of_two_does_not_end_the_vm) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160).destroyed(200);
  host_.take(2, kVm, 1, 100);
  const auto& model = books_.look(host_.look(300));
  EXPECT_EQ(model.departed.vms, 0u);
  EXPECT_EQ(exits_of(vm_called(model, kLabel)), 1u);
  EXPECT_EQ(vm_called(model, kLabel).vcpus, 1u);
}

TEST_F(Ledger, a_process_gone_for_two_looks_takes_its_vm_along) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  host_.process(kVm, 7).alive = false;
  EXPECT_EQ(books_.look(host_.look(300)).departed.vms, 0u);
  const auto& model = books_.look(host_.look(400));
  EXPECT_EQ(model.departed.vms, 1u);
  EXPECT_TRUE(model.vms.empty());
  EXPECT_EQ(departed_exits_of(model), 1u);
}

TEST_F(Ledger, a_process_gone_with_all_its_threads_takes_its_vm_along_at_once) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160).thread_exit(250);
  host_.process(kVm, 7).alive = false;
  EXPECT_EQ(books_.look(host_.look(300)).departed.vms, 1u);
}

TEST_F(Ledger, events_between_the_two_looks_at_a_dead_process_are_counted) {
  auto& vcpu = host_.take(1, kVm, 0, 100);
  host_.process(kVm, 7).alive = false;
  books_.look(host_.look(200));
  vcpu.exit(210).entry(220).thread_exit(230);
  EXPECT_EQ(departed_exits_of(books_.look(host_.look(300))), 1u);
}

TEST_F(Ledger, an_exited_thread_of_a_live_vm_keeps_its_numbers) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160).thread_exit(260);
  host_.take(2, kVm, 1, 100);
  for (uint64_t now_ns = 300; now_ns <= 500; now_ns += 100) {
    const auto& model = books_.look(host_.look(now_ns));
    const auto& vm = vm_called(model, kLabel);
    EXPECT_EQ(exits_of(vm), 1u);
    EXPECT_EQ(vm.vcpus, 1u);
    EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 50u + 100u + (now_ns - 100));
    EXPECT_EQ(vm.per_vcpu.at(0).tid, 0u);
    EXPECT_TRUE(model.recyclable.empty());
  }
}

TEST_F(Ledger, a_torn_slot_keeps_its_last_values) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  auto torn = host_.look(300);
  torn.slots.clear();
  torn.torn_slots = 1;
  auto model = books_.look(torn);
  EXPECT_EQ(exits_of(vm_called(model, kLabel)), 1u);
  EXPECT_EQ(vm_called(model, kLabel).time.state_ns[FLOW_GUEST], 50u + 40u);
  EXPECT_EQ(model.health.torn_slots, 1u);

  model = books_.look(host_.look(400));
  EXPECT_EQ(vm_called(model, kLabel).time.state_ns[FLOW_GUEST], 50u + 240u);
  EXPECT_EQ(model.health.torn_slots, 1u);
}

TEST_F(Ledger, a_vm_with_a_torn_slot_does_not_depart) {
  host_.take(1, kVm, 0, 100).destroyed(200);
  host_.take(2, kVm, 1, 100).destroyed(200);
  books_.look([&] {
    auto snapshot = host_.look(150);
    snapshot.slots[0].slot.end = snapshot.slots[1].slot.end = {};
    return snapshot;
  }());
  auto torn = host_.look(300);
  torn.slots.pop_back();
  torn.torn_slots = 1;
  EXPECT_EQ(books_.look(torn).departed.vms, 0u);
  EXPECT_EQ(books_.look(host_.look(400)).departed.vms, 1u);
}

TEST_F(Ledger, a_slot_without_an_owner_yet_is_no_vcpu) {
  host_.take(1, kVm, 0, 100).slot.id.tgid = 0;
  EXPECT_TRUE(books_.look(host_.look(200)).vms.empty());
}

}  // namespace
}  // namespace vmflow::test
