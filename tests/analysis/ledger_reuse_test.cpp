// SPDX-License-Identifier: GPL-2.0-only
// Slots, threads, addresses and processes that are used again.
#include <gtest/gtest.h>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000};
const std::string kLabel = "100-7", kSecondLabel = "100-7-2";

class LedgerReuse : public testing::Test {
 protected:
  LedgerReuse() { host_.process(kVm, 7); }

  DrawnHost host_;
  Books books_;
};

TEST_F(LedgerReuse, a_vcpu_that_moves_to_another_slot_is_counted_once) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  host_.at(1).exit(210).thread_exit(300);
  host_.take(2, kVm, 0, 400).exit(450).entry(460);  // the same vCPU, run by a new thread
  for (uint64_t now_ns = 500; now_ns <= 700; now_ns += 100) {
    const auto& model = books_.look(host_.look(now_ns));
    const auto& vm = vm_called(model, kLabel);
    EXPECT_EQ(exits_of(vm), 3u);
    EXPECT_EQ(vm.vcpus, 1u);
    ASSERT_EQ(vm.per_vcpu.size(), 1u);
    EXPECT_EQ(vm.per_vcpu[0].tid, 103u);
    EXPECT_EQ(vm.time.state_ns[FLOW_KVM], 10u + 90u + 10u);
    EXPECT_EQ(model.recyclable, (std::vector<SlotKey>{{1, 1}}));
  }
}

TEST_F(LedgerReuse, what_a_moved_vcpu_had_departs_with_its_vm) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160).thread_exit(300);
  host_.take(2, kVm, 0, 400).exit(450).entry(460);
  books_.look(host_.look(500));
  host_.give_back(1);
  host_.at(2).destroyed(600);
  const auto& model = books_.look(host_.look(700));
  EXPECT_EQ(model.departed.vms, 1u);
  EXPECT_EQ(departed_exits_of(model), 2u);
}

TEST_F(LedgerReuse, a_vcpu_that_changes_thread_in_its_slot_shows_the_new_one) {
  auto& vcpu = host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  vcpu.slot.id.tid = 999;
  const auto& vm = vm_called(books_.look(host_.look(300)), kLabel);
  EXPECT_EQ(exits_of(vm), 1u);
  EXPECT_EQ(vm.per_vcpu.at(0).tid, 999u);
}

TEST_F(LedgerReuse, a_slot_recycled_unasked_leaves_its_numbers_with_its_vm) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  host_.take(2, kVm, 1, 100);
  books_.look(host_.look(200));
  host_.take(1, kVm, 2, 300).exit(350).entry(360);
  const auto& vm = vm_called(books_.look(host_.look(400)), kLabel);
  EXPECT_EQ(exits_of(vm), 2u);
  EXPECT_EQ(vm.vcpus, 2u);
  EXPECT_EQ(vm.per_vcpu.size(), 3u);
}

TEST_F(LedgerReuse, two_vms_of_one_process_have_a_label_each) {
  const VmKey other{100, 0x2000};
  host_.process(other, 7);
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  host_.take(2, other, 0, 100);
  auto model = books_.look(host_.look(200));
  EXPECT_EQ(exits_of(vm_called(model, kLabel)), 1u);
  EXPECT_EQ(exits_of(vm_called(model, kSecondLabel)), 0u);

  host_.at(1).destroyed(250);
  model = books_.look(host_.look(300));
  ASSERT_EQ(model.vms.size(), 1u);
  EXPECT_EQ(model.vms[0].label, kSecondLabel);
  EXPECT_EQ(model.departed.vms, 1u);
}

TEST_F(LedgerReuse, a_vm_at_the_address_of_one_that_departed_starts_from_nothing) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(180));
  host_.at(1).destroyed(200);
  EXPECT_EQ(departed_exits_of(books_.look(host_.look(300))), 1u);
  host_.give_back(1);
  books_.look(host_.look(400));
  host_.take(1, kVm, 0, 500);
  const auto& model = books_.look(host_.look(600));
  const auto& vm = vm_called(model, kSecondLabel);
  EXPECT_EQ(exits_of(vm), 0u);
  EXPECT_EQ(vm.time.state_ns[FLOW_GUEST], 100u);
  EXPECT_EQ(departed_exits_of(model), 1u);
}

TEST_F(LedgerReuse, a_slot_given_to_another_vm_is_not_recycled_for_it) {
  host_.take(1, kVm, 0, 100).destroyed(200);
  books_.look(host_.look(300));
  const VmKey next{200, 0x2000};
  host_.process(next, 9);
  host_.take(1, next, 0, 400);
  const auto& model = books_.look(host_.look(500));
  EXPECT_TRUE(model.recyclable.empty());
  EXPECT_EQ(vm_called(model, "200-9").vcpus, 1u);
}

TEST_F(LedgerReuse, two_hundred_short_vms_lose_no_exit) {
  constexpr uint64_t kVms = 200, kExitsEach = 3;
  uint64_t now_ns = 1000;
  for (uint64_t i = 0; i < kVms; i++, now_ns += 1000) {
    auto& vcpu = host_.take(1, kVm, 0, now_ns);  // always the same slot and the same address
    uint64_t at_ns = now_ns;
    for (uint64_t n = 0; n < kExitsEach; n++, at_ns += 100)
      vcpu.exit(at_ns + 50).entry(at_ns + 100);
    EXPECT_EQ(all_exits_of(books_.look(host_.look(now_ns + 500))), (i + 1) * kExitsEach);
    vcpu.destroyed(now_ns + 600);
    const auto& model = books_.look(host_.look(now_ns + 700));
    ASSERT_EQ(model.recyclable, (std::vector<SlotKey>{{1, static_cast<uint32_t>(i + 1)}}));
    host_.give_back(1);
    EXPECT_EQ(model.departed.vms, i + 1);
    EXPECT_EQ(departed_exits_of(model), (i + 1) * kExitsEach);
  }
}

TEST_F(LedgerReuse, a_vm_that_nobody_identifies_gets_its_label_when_somebody_does) {
  const VmKey unknown{300, 0x3000};
  host_.take(1, unknown, 0, 100).exit(150).entry(160);
  EXPECT_EQ(exits_of(vm_called(books_.look(host_.look(200)), "300-0")), 1u);
  host_.process(unknown, 11, "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20");
  const auto& model = books_.look(host_.look(300));
  ASSERT_EQ(model.vms.size(), 1u);
  EXPECT_EQ(model.vms[0].label, "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20");
  EXPECT_EQ(exits_of(model.vms[0]), 1u);
}

TEST_F(LedgerReuse, the_older_process_keeps_a_uuid_that_two_vms_bring) {
  const VmKey older{300, 0x3000}, younger{200, 0x2000};
  const std::string uuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";
  host_.process(older, 10, uuid);
  host_.process(younger, 20, uuid);
  host_.take(1, younger, 0, 100);
  host_.take(2, older, 0, 100).exit(150).entry(160);
  const auto& model = books_.look(host_.look(200));
  EXPECT_EQ(exits_of(vm_called(model, uuid)), 1u);
  EXPECT_EQ(exits_of(vm_called(model, uuid + "+200")), 0u);
  EXPECT_EQ(model.health.duplicate_uuids, 1u);
}

TEST_F(LedgerReuse, two_vms_at_one_address_between_two_looks_are_told_apart) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160);
  books_.look(host_.look(200));
  host_.at(1).destroyed(300);
  host_.take(2, kVm, 0, 400).exit(410).entry(420).exit(430).entry(440);
  const auto& model = books_.look(host_.look(500));
  EXPECT_EQ(model.departed.vms, 1u);
  EXPECT_EQ(departed_exits_of(model), 1u);
  EXPECT_EQ(exits_of(vm_called(model, kSecondLabel)), 2u);
  EXPECT_EQ(model.recyclable, (std::vector<SlotKey>{{1, 1}}));
}

TEST_F(LedgerReuse, two_vcpus_that_move_at_once_are_counted_once_each) {
  host_.take(1, kVm, 0, 100).exit(150).entry(160).thread_exit(300);
  host_.take(2, kVm, 1, 100).exit(150).entry(160).thread_exit(300);
  host_.take(3, kVm, 0, 400);
  host_.take(4, kVm, 1, 400);
  const auto& model = books_.look(host_.look(500));
  EXPECT_EQ(exits_of(vm_called(model, kLabel)), 2u);
  EXPECT_EQ(vm_called(model, kLabel).vcpus, 2u);
  EXPECT_EQ(model.recyclable, (std::vector<SlotKey>{{1, 1}, {2, 1}}));
}

}  // namespace
}  // namespace vmflow::test
