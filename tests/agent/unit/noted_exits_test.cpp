// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/noted_exits.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr uint32_t kCpuid = 0x72, kHlt = 0x78;
const flow_config kConfig = [] {
  flow_config config{};
  config.halt_code = kHlt;
  return config;
}();

/// A vCPU that has entered its guest at 100 ns.
SlotCopy entered(uint32_t index) {
  SlotCopy copy{.index = index, .slot = {}};
  flow_entry(&copy.slot.flow, 100);
  return copy;
}

cpu_record noting(uint32_t slot, uint32_t code, uint64_t ns) {
  cpu_record cpu{};
  cpu.slot = slot;
  cpu.noted_code = code;
  cpu.noted_ns = ns;
  return cpu;
}

}  // namespace

TEST(NotedExits, are_told_to_the_vcpu_whose_they_are) {
  const std::vector<cpu_record> cpus = {noting(7, kCpuid, 300), {}, noting(2, kHlt, 250)};
  std::vector<SlotCopy> copies = {entered(2), entered(4), entered(7)};
  const auto exits = noted_exits(cpus);
  EXPECT_EQ(exits.size(), 2u) << "one CPU has noted none";
  tell_noted(exits, kConfig, copies);
  EXPECT_EQ(copies[0].slot.flow.state, uint32_t{FLOW_KVM});
  EXPECT_EQ(copies[0].slot.flow.halting, 1u);
  EXPECT_EQ(copies[0].slot.flow.ns[FLOW_GUEST], 150u);
  EXPECT_EQ(copies[1].slot.flow.state, uint32_t{FLOW_GUEST});
  EXPECT_EQ(copies[2].slot.flow.exits[kCpuid].count, 1u);
  EXPECT_EQ(copies[2].slot.flow.ns[FLOW_GUEST], 200u);
  EXPECT_EQ(copies[2].slot.flow.halting, 0u);
}

TEST(NotedExits, that_the_kernel_has_told_meanwhile_are_not_told_again) {
  const std::vector<NotedExit> exits = {{.slot = 1, .code = kCpuid, .ns = 300}};
  std::vector<SlotCopy> told = {entered(1)};
  flow_exit(&told[0].slot.flow, 300, kCpuid, 0);
  tell_noted(exits, kConfig, told);
  EXPECT_EQ(told[0].slot.flow.exits[kCpuid].count, 1u);
  flow_entry(&told[0].slot.flow, 400);
  tell_noted(exits, kConfig, told);
  EXPECT_EQ(told[0].slot.flow.exits[kCpuid].count, 1u) << "it is in the guest again";
  EXPECT_EQ(told[0].slot.flow.last_ns, 400u);
}

TEST(NotedExits, of_a_slot_that_is_not_there_or_never_ran_are_nobodys) {
  const std::vector<NotedExit> exits = {{.slot = 9, .code = kCpuid, .ns = 300},
                                        {.slot = 1, .code = kCpuid, .ns = 300}};
  std::vector<SlotCopy> fresh = {{.index = 1, .slot = {}}};
  tell_noted(exits, kConfig, fresh);
  EXPECT_EQ(fresh[0].slot.flow.first_ns, 0u);
}

}  // namespace vmflow::test
