// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/wakers.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

constexpr VmKey kVm{100, 0xabc};

WakerReading pair(uint32_t vcpu, uint32_t by, uint64_t count, uint64_t ns) {
  return {{.kvm = kVm.kvm, .tgid = kVm.tgid, .vcpu = vcpu, .by_vcpu = by, .pad = 0}, {count, ns}};
}

}  // namespace

TEST(Wakers, are_those_of_their_vm_the_longest_first) {
  Snapshot snapshot;
  snapshot.wakers = {pair(0, 1, 3, 300), pair(1, 0, 2, 500), pair(1, FLOW_ANY_VCPU, 1, 100)};
  snapshot.wakers.push_back(pair(0, 1, 9, 900));
  snapshot.wakers.back().key.kvm = 0xdef;  // of a VM that nobody knows
  const auto wakers = wakers_of(snapshot, {{kVm, 1000}});
  ASSERT_EQ(wakers.size(), 1u);
  const auto& pairs = wakers.at(kVm);
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs[0].vcpu_id, 1u);
  EXPECT_EQ(pairs[0].by_vcpu_id, 0u);
  EXPECT_EQ(pairs[0].count, 2u);
  EXPECT_EQ(pairs[0].ns, 500u);
  EXPECT_FALSE(pairs[2].by_vcpu_id) << "not told: absent, no vCPU of that number";
}

TEST(Wakers, sum_to_no_more_than_the_vm_has_waited) {
  Snapshot snapshot;
  snapshot.wakers = {pair(0, 1, 3, 300), pair(1, 0, 2, 500)};
  uint64_t sum = 0;
  const auto wakers = wakers_of(snapshot, {{kVm, 400}});
  for (const auto& waker : wakers.at(kVm)) sum += waker.ns;
  EXPECT_EQ(sum, 400u);
}

}  // namespace vmflow::test
