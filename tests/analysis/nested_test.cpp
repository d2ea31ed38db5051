// SPDX-License-Identifier: GPL-2.0-only
// Nested vCPUs become nested VMs, keep their numbers, and are forgotten.
#include "analysis/nested.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0x1000}, kOther{200, 0x2000};
constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kA = 0xa000, kB = 0xb000, kC = 0xc000;

NestedReading reading(const VmKey& vm, uint64_t vmcb12, uint64_t root, uint64_t first_ns,
                      uint64_t last_ns) {
  NestedReading reading;
  reading.key = {.kvm = vm.kvm, .vmcb12 = vmcb12, .tgid = vm.tgid, .pad = 0};
  reading.record.root = reading.record.first_root = root;
  reading.record.first_ns = first_ns;
  reading.record.last_ns = last_ns;
  return reading;
}

class Nested : public testing::Test {
 protected:
  Nested() {
    host_.process(kVm, 7);
    host_.process(kOther, 8);
    host_.take(1, kVm, 0, 100);
    host_.take(2, kOther, 0, 100);
  }

  /// The nested VMs of kVm, as lists of their VMCB12s.
  std::vector<std::vector<uint64_t>> look(std::vector<NestedReading> readings, uint64_t now_ns) {
    auto snapshot = host_.look(now_ns);
    snapshot.nested = std::move(readings);
    model_ = books_.look(snapshot);
    std::vector<std::vector<uint64_t>> vms;
    for (const auto& nested : vm().nested) vms.push_back(nested.vcpus);
    return vms;
  }
  const VmFlow& vm() const { return vm_called(model_, "100-7"); }

  using Vms = std::vector<std::vector<uint64_t>>;
  DrawnHost host_;
  Books books_;
  FlowModel model_;
};

uint64_t sum_of(const auto& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

}  // namespace

TEST_F(Nested, vcpus_with_one_root_are_one_nested_vm) {
  EXPECT_EQ(look({reading(kVm, kB, 0x10, 300, 500), reading(kVm, kA, 0x10, 200, 600),
                  reading(kVm, kC, 0x20, 250, 260)},
                 700),
            (Vms{{kA, kB}, {kC}}));
  EXPECT_EQ(vm().nested[0].id, kA) << "called after the first";
  EXPECT_EQ(vm().nested[0].first_ns, 200u);
  EXPECT_EQ(vm().nested[0].last_ns, 600u);
}

TEST_F(Nested, of_another_vm_are_none_of_this_one) {
  EXPECT_EQ(look({reading(kVm, kA, 0x10, 200, 600), reading(kOther, kA, 0x10, 200, 600)}, 700),
            (Vms{{kA}}));
  EXPECT_EQ(vm_called(model_, "200-8").nested.size(), 1u);
}

TEST_F(Nested, vcpu_that_is_known_stays_in_its_vm_whatever_its_root) {
  look({reading(kVm, kA, 0x10, 200, 300), reading(kVm, kB, 0x20, 250, 300)}, 400);
  auto a = reading(kVm, kA, 0x20, 200, 500), b = reading(kVm, kB, 0x30, 250, 500);
  a.record.first_root = 0x10;
  b.record.first_root = 0x20;
  EXPECT_EQ(look({a, b}, 600), (Vms{{kA}, {kB}}));
  EXPECT_EQ(vm().nested[0].root, 0x20u);
}

TEST_F(Nested, vcpu_joins_the_vm_whose_root_changed_meanwhile) {
  auto a = reading(kVm, kA, 0x20, 200, 500);
  a.record.first_root = 0x10;
  EXPECT_EQ(look({a, reading(kVm, kB, 0x20, 450, 500)}, 600), (Vms{{kA, kB}}));
}

TEST_F(Nested, root_of_a_guest_that_is_long_gone_is_another_ones) {
  EXPECT_EQ(look({reading(kVm, kA, 0x10, 200, 300),
                  reading(kVm, kB, 0x10, 400 + kNestedOverlapNs, 500 + kNestedOverlapNs)},
                 600 + kNestedOverlapNs),
            (Vms{{kA}, {kB}}));
}

TEST_F(Nested, without_nested_paging_each_vcpu_is_told_apart) {
  EXPECT_EQ(look({reading(kVm, kA, 0, 200, 300), reading(kVm, kB, 0, 200, 300)}, 400),
            (Vms{{kA}, {kB}}));
}

TEST_F(Nested, exits_are_named_and_added_up) {
  auto a = reading(kVm, kA, 0x10, 200, 300), b = reading(kVm, kB, 0x10, 200, 300);
  a.record.reflected[kCpuid] = 3001;
  a.record.handled[0x60] = 5;
  b.record.reflected[kCpuid] = 10;
  b.record.entries = 10;
  look({a, b}, 400);
  const auto& exits = vm().nested[0].exits;
  ASSERT_EQ(exits.size(), 2u);
  EXPECT_EQ(exits[0].reason, "intr");
  EXPECT_EQ(exits[0].handled, 5u);
  EXPECT_EQ(exits[1].reason, "cpuid");
  EXPECT_EQ(exits[1].reflected, 3011u);
}

TEST_F(Nested, names_of_exits_are_the_hosts_vendors) {
  auto snapshot = host_.look(400);
  snapshot.host.vendor = Vendor::kVmx;
  snapshot.nested = {reading(kVm, kA, 0x10, 200, 300)};
  snapshot.nested[0].record.reflected[10] = 3001;
  const auto built = build_model(snapshot, {});
  EXPECT_EQ(vm_called(built.model, "100-7").nested.at(0).exits.at(0).reason, "cpuid");
}

TEST_F(Nested, level_sums_are_the_ledger_and_open_time_of_l2_is_shown) {
  auto& drawn = host_.at(1);
  drawn.exit(150, 0x80);
  nested_enter(&drawn.slot.nested, &drawn.slot.flow, kA);
  drawn.entry(170);
  auto record = reading(kVm, kA, 0x10, 160, 160);
  look({record}, 300);
  EXPECT_EQ(vm().time.state_ns[FLOW_GUEST_NESTED], 130u);
  ASSERT_TRUE(vm().levels);
  EXPECT_EQ(vm().levels->level_ns, (std::array<uint64_t, FLOW_LEVELS>{20, 0, 130, 50}));
  EXPECT_EQ(vm().nested[0].level_ns, (std::array<uint64_t, FLOW_LEVEL_REST>{20, 0, 130}));
  EXPECT_EQ(vm().levels->entries, 1u);

  // The exit is given to L1: the kernel writes the record after the slot, and it was read before.
  drawn.exit(400, kCpuid);
  nested_exit(&drawn.slot.nested, &drawn.slot.flow);
  __u32 counts = 0;
  nested_reflect(&drawn.slot.nested, &drawn.slot.flow, 410, 0, kCpuid, &counts);
  drawn.entry(420);
  look({record}, 500);
  EXPECT_EQ(vm().levels->level_ns, (std::array<uint64_t, FLOW_LEVELS>{30, 0, 230, 50}));
  EXPECT_EQ(vm().levels->pending_ns, 90u);
  EXPECT_EQ(vm().levels->reflected, 1u);
  EXPECT_EQ(vm().nested[0].level_ns[FLOW_L2], 130u) << "does not fall";
  EXPECT_EQ(sum_of(vm().levels->level_ns) + vm().levels->pending_ns, sum_of(vm().time.state_ns));
}

TEST_F(Nested, pending_time_of_a_vm_that_ends_is_rest) {
  auto& drawn = host_.at(1);
  drawn.exit(150, 0x80);
  nested_enter(&drawn.slot.nested, &drawn.slot.flow, kA);
  drawn.entry(170).exit(200, kCpuid);
  nested_exit(&drawn.slot.nested, &drawn.slot.flow);
  __u32 counts = 0;
  nested_reflect(&drawn.slot.nested, &drawn.slot.flow, 210, 0, kCpuid, &counts);
  drawn.entry(220).thread_exit(300);
  host_.take(3, kVm, 1, 100);  // it lives on
  look({}, 400);
  EXPECT_EQ(vm().levels->pending_ns, 0u);
  EXPECT_EQ(vm().levels->level_ns,
            (std::array<uint64_t, FLOW_LEVELS>{20 + 10, 0, 30, 50 + 10 + 80 + 300}));
}

TEST_F(Nested, a_vm_that_never_ran_a_guest_has_no_levels) {
  look({}, 400);
  EXPECT_FALSE(vm().levels);
  EXPECT_TRUE(vm().nested.empty());
}

TEST_F(Nested, what_has_not_run_for_long_is_forgotten_unless_it_runs_now) {
  const uint64_t now_ns = 100 * kSecond + kNestedIdleNs;
  auto& drawn = host_.at(1);
  drawn.exit(150, 0x80);
  nested_enter(&drawn.slot.nested, &drawn.slot.flow, kB);
  drawn.entry(170);
  look({reading(kVm, kA, 0x10, 200, 99 * kSecond), reading(kVm, kB, 0x20, 200, 300),
        reading(kVm, kC, 0x30, 200, 101 * kSecond)},
       now_ns);
  ASSERT_EQ(model_.forgettable.size(), 1u);
  EXPECT_EQ(model_.forgettable[0].vmcb12, kA);
}

TEST_F(Nested, what_an_earlier_vm_at_the_address_has_left_is_forgotten) {
  host_.take(1, kVm, 0, 1000);
  EXPECT_EQ(look({reading(kVm, kA, 0x10, 200, 300)}, 1200), Vms());
  EXPECT_EQ(model_.forgettable.size(), 1u);
}

TEST_F(Nested, a_vm_that_makes_up_vcpus_loses_its_own_first) {
  std::vector<NestedReading> readings{reading(kOther, kA, 0x10, 200, 201)};
  for (uint64_t i = 0; i < FLOW_MAX_NESTED - 1; i++)
    readings.push_back(reading(kVm, 0x1000 * (i + 1), 0x10, 300, 300 + i));
  look(readings, 2000);
  EXPECT_EQ(model_.forgettable.size(), FLOW_MAX_NESTED / 4);
  for (const auto& key : model_.forgettable) EXPECT_EQ(key.tgid, kVm.tgid);
  EXPECT_EQ(model_.forgettable[0].vmcb12, 0x1000u) << "the one that has not run for longest";
}

}  // namespace vmflow::test
