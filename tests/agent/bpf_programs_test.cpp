// SPDX-License-Identifier: GPL-2.0-only
// Label kernel: loads and attaches the programs on the kernel that runs this test.
#include "agent/sources/bpf_programs.h"

#include <gtest/gtest.h>

#include "agent/sources/kernel_support.h"

namespace vmflow {

TEST(BpfPrograms, load_and_attach_on_this_kernel) {
  const auto support = probe_kernel();
  ASSERT_TRUE(support) << support.error().message;
  ASSERT_EQ(support->kvm, Kvm::present) << "no KVM vendor module is loaded";
  auto programs = BpfPrograms::load(*support, 64);
  ASSERT_TRUE(programs) << programs.error().message;
  EXPECT_EQ(programs->slot_count(), 65u);
  EXPECT_GE(programs->programs().size(), 7u);
  for (const auto& program : programs->programs()) EXPECT_TRUE(program.attached) << program.name;
}

}  // namespace vmflow
