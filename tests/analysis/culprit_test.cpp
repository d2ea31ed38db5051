// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/culprit.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/analysis/drawn_host.h"

namespace vmflow::test {
namespace {

constexpr VmKey kVictim{100, 0x1000}, kOther{200, 0x2000};

BlameReading entry(const VmKey& victim, flow_culprit kind, uint64_t culprit_kvm, uint32_t tgid,
                   uint64_t ns, const char* comm) {
  BlameReading reading;
  reading.key = {victim.kvm, victim.tgid, kind, culprit_kvm, tgid, 0};
  reading.value.ns = ns;
  std::strncpy(reading.value.comm, comm, sizeof(reading.value.comm) - 1);
  return reading;
}

/// A vCPU of kVictim that was ready for 600 ns: 300 by another VM, 200 by a task, 100 by nobody.
class Culprit : public testing::Test {
 protected:
  Culprit() {
    host_.process(kVictim, 7);
    host_.process(kOther, 8);
    auto& flow = host_.take(1, kVictim, 0, 100).slot.flow;
    host_.take(2, kOther, 0, 100);
    flow_out(&flow, 200, FLOW_READY);
    flow_wait(&flow, 200, 0);
    flow_blame(&flow, 500, FLOW_CULPRIT_OTHER_VM, 0, 0);
    flow_blame(&flow, 700, FLOW_CULPRIT_HOST_TASK, 0, 0);
    flow_blame(&flow, 800, FLOW_CULPRIT_NONE, 0, 0);
    vcpu_mailbox none{};
    flow_in(&flow, &none, 800, 1, 0, 0);
  }

  std::vector<CulpritFlow> rows(std::vector<BlameReading> blames) {
    auto snapshot = host_.look(900);
    snapshot.blames = std::move(blames);
    return books_.look(snapshot).culprits;
  }

  DrawnHost host_;
  Books books_;
};

}  // namespace

TEST_F(Culprit, is_named_and_the_worst_comes_first) {
  const auto found = rows({entry(kVictim, FLOW_CULPRIT_HOST_TASK, 0, 300, 200, "back\tup"),
                           entry(kVictim, FLOW_CULPRIT_OTHER_VM, kOther.kvm, 200, 300, "CPU 0/KVM"),
                           entry(kVictim, FLOW_CULPRIT_NONE, 0, 0, 100, "")});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].vm, "200-8");
  EXPECT_EQ(found[0].task, "") << "a vCPU is its VM";
  EXPECT_EQ(found[0].ns, 300u);
  EXPECT_EQ(found[1].task, "back\ufffdup") << "hostile text";
  EXPECT_EQ(found[1].pid, 300u);
  EXPECT_EQ(found[2].kind, FLOW_CULPRIT_NONE);
  for (const auto& row : found) EXPECT_EQ(row.victim, "100-7");
}

TEST_F(Culprit, without_an_entry_is_a_row_without_a_name) {
  const auto found = rows({entry(kVictim, FLOW_CULPRIT_OTHER_VM, kOther.kvm, 200, 250, "")});
  uint64_t sum = 0;
  for (const auto& row : found) sum += row.ns;
  EXPECT_EQ(sum, 600u);
  EXPECT_EQ(found.size(), 4u);
}

TEST_F(Culprit, never_gets_more_than_the_victim_has_waited) {
  const auto found = rows({entry(kVictim, FLOW_CULPRIT_OTHER_VM, kOther.kvm, 200, 5000, "")});
  EXPECT_EQ(found[0].ns, 300u);
}

TEST_F(Culprit, of_a_vm_that_is_gone_is_left_out) {
  for (const auto& row : rows({entry({7, 7}, FLOW_CULPRIT_OTHER_VM, kOther.kvm, 200, 50, "")}))
    EXPECT_EQ(row.victim, "100-7");
}

}  // namespace vmflow::test
