// SPDX-License-Identifier: GPL-2.0-only
// The tables of names, against the kernel's own headers where those name the same thing.
#include <asm/svm.h>
#include <asm/vmx.h>
#include <gtest/gtest.h>
#include <linux/kvm.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "analysis/exit_reason.h"
#include "analysis/flow_names.h"
#include "analysis/userspace_exit.h"

namespace vmflow::test {
namespace {

struct HeaderName {
  int64_t code;
  std::string_view name;
};
// The kernel's own list for SVM words many names otherwise than its constants do.
#define SVM_CODE(constant) \
  { SVM_EXIT_##constant, #constant }
// clang-format off
constexpr HeaderName kSvmHeader[] = {
    SVM_CODE(READ_CR0), SVM_CODE(READ_CR2), SVM_CODE(READ_CR3), SVM_CODE(READ_CR4),
    SVM_CODE(READ_CR8), SVM_CODE(WRITE_CR0), SVM_CODE(WRITE_CR2), SVM_CODE(WRITE_CR3),
    SVM_CODE(WRITE_CR4), SVM_CODE(WRITE_CR8), SVM_CODE(READ_DR0), SVM_CODE(READ_DR1),
    SVM_CODE(READ_DR2), SVM_CODE(READ_DR3), SVM_CODE(READ_DR4), SVM_CODE(READ_DR5),
    SVM_CODE(READ_DR6), SVM_CODE(READ_DR7), SVM_CODE(WRITE_DR0), SVM_CODE(WRITE_DR1),
    SVM_CODE(WRITE_DR2), SVM_CODE(WRITE_DR3), SVM_CODE(WRITE_DR4), SVM_CODE(WRITE_DR5),
    SVM_CODE(WRITE_DR6), SVM_CODE(WRITE_DR7), SVM_CODE(INTR), SVM_CODE(NMI), SVM_CODE(SMI),
    SVM_CODE(INIT), SVM_CODE(VINTR), SVM_CODE(CR0_SEL_WRITE), SVM_CODE(IDTR_READ),
    SVM_CODE(GDTR_READ), SVM_CODE(LDTR_READ), SVM_CODE(TR_READ), SVM_CODE(IDTR_WRITE),
    SVM_CODE(GDTR_WRITE), SVM_CODE(LDTR_WRITE), SVM_CODE(TR_WRITE), SVM_CODE(RDTSC),
    SVM_CODE(RDPMC), SVM_CODE(PUSHF), SVM_CODE(POPF), SVM_CODE(CPUID), SVM_CODE(RSM),
    SVM_CODE(IRET), SVM_CODE(SWINT), SVM_CODE(INVD), SVM_CODE(PAUSE), SVM_CODE(HLT),
    SVM_CODE(INVLPG), SVM_CODE(INVLPGA), SVM_CODE(IOIO), SVM_CODE(MSR), SVM_CODE(TASK_SWITCH),
    SVM_CODE(FERR_FREEZE), SVM_CODE(SHUTDOWN), SVM_CODE(VMRUN), SVM_CODE(VMMCALL),
    SVM_CODE(VMLOAD), SVM_CODE(VMSAVE), SVM_CODE(STGI), SVM_CODE(CLGI), SVM_CODE(SKINIT),
    SVM_CODE(RDTSCP), SVM_CODE(ICEBP), SVM_CODE(WBINVD), SVM_CODE(MONITOR), SVM_CODE(MWAIT),
    SVM_CODE(MWAIT_COND), SVM_CODE(XSETBV), SVM_CODE(RDPRU), SVM_CODE(EFER_WRITE_TRAP),
    SVM_CODE(CR0_WRITE_TRAP), SVM_CODE(CR1_WRITE_TRAP), SVM_CODE(CR2_WRITE_TRAP),
    SVM_CODE(CR3_WRITE_TRAP), SVM_CODE(CR4_WRITE_TRAP), SVM_CODE(CR5_WRITE_TRAP),
    SVM_CODE(CR6_WRITE_TRAP), SVM_CODE(CR7_WRITE_TRAP), SVM_CODE(CR8_WRITE_TRAP),
    SVM_CODE(CR9_WRITE_TRAP), SVM_CODE(CR10_WRITE_TRAP), SVM_CODE(CR11_WRITE_TRAP),
    SVM_CODE(CR12_WRITE_TRAP), SVM_CODE(CR13_WRITE_TRAP), SVM_CODE(CR14_WRITE_TRAP),
    SVM_CODE(CR15_WRITE_TRAP), SVM_CODE(INVPCID), SVM_CODE(NPF), SVM_CODE(AVIC_INCOMPLETE_IPI),
    SVM_CODE(AVIC_UNACCELERATED_ACCESS), SVM_CODE(VMGEXIT),
};
// clang-format on
constexpr HeaderName kVmxHeader[] = {VMX_EXIT_REASONS};

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (auto& c : lowered) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lowered;
}

TEST(ExitName, vmx_names_are_those_of_the_kernel) {
  for (const auto& [code, name] : kVmxHeader)
    EXPECT_EQ(exit_name(Vendor::kVmx, flow_exit_index(1, static_cast<uint32_t>(code))), lower(name))
        << code;
}

TEST(ExitName, svm_names_are_those_of_the_kernel) {
  for (const auto& [code, name] : kSvmHeader) {
    const auto index = flow_exit_index(0, static_cast<uint32_t>(code));
    EXPECT_EQ(exit_name(Vendor::kSvm, index), lower(name)) << code;
  }
}

TEST(ExitName, svm_exceptions_are_named_by_their_vector) {
  EXPECT_EQ(exit_name(Vendor::kSvm, 0x40), "excp_0");
  EXPECT_EQ(exit_name(Vendor::kSvm, 0x4e), "excp_14");
  EXPECT_EQ(exit_name(Vendor::kSvm, 0x5f), "excp_31");
}

TEST(ExitName, a_code_without_a_name_is_shown_as_the_code) {
  EXPECT_EQ(exit_name(Vendor::kVmx, 5), "vmx_0x5");
  EXPECT_EQ(exit_name(Vendor::kSvm, 0xa7), "svm_0xa7");
  EXPECT_EQ(exit_name(Vendor::kSvm, FLOW_EXIT_DIRECT + 5), "svm_0x405");
  EXPECT_EQ(exit_name(Vendor::kNone, 0x72), "none_0x72");
}

TEST(ExitName, what_the_kernel_did_not_tell_has_a_name_of_its_own) {
  for (const auto vendor : {Vendor::kNone, Vendor::kVmx, Vendor::kSvm}) {
    EXPECT_EQ(exit_name(vendor, FLOW_EXIT_UNREADABLE), "unreadable");
    EXPECT_EQ(exit_name(vendor, FLOW_EXIT_OUT_OF_RANGE), "out_of_range");
    EXPECT_EQ(exit_name(vendor, 0xffffffff), "out_of_range");
  }
}

// The tables are searched by bisection: one entry out of order or twice would hide a name.
TEST(ExitName, every_index_has_a_name_of_its_own) {
  for (const auto vendor : {Vendor::kVmx, Vendor::kSvm}) {
    std::set<std::string> names;
    for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) names.insert(exit_name(vendor, i));
    EXPECT_EQ(names.size(), FLOW_EXIT_CODES) << vendor_name(vendor);
  }
}

// flow_exit_index() folds raw codes to indices; a name must lead back to the code.
TEST(ExitName, the_unnamed_show_the_raw_code_of_their_index) {
  for (uint32_t code = 0; code < 0x406; code++) {
    const uint32_t index = flow_exit_index(0, code);
    if (index == FLOW_EXIT_OUT_OF_RANGE) continue;
    const auto name = exit_name(Vendor::kSvm, index);
    if (!name.starts_with("svm_0x")) continue;
    EXPECT_EQ(std::stoul(name.substr(6), nullptr, 16), code);
  }
}

class NamedExits : public testing::TestWithParam<Vendor> {};

TEST_P(NamedExits, are_sorted_and_unlike_one_another) {
  const auto named = named_exits(GetParam());
  ASSERT_EQ(named.size(), kNamedExits);
  for (size_t i = 1; i < named.size(); i++) EXPECT_LT(named[i - 1].index, named[i].index);
}

TEST_P(NamedExits, have_the_names_of_their_indices_and_a_reason) {
  for (const auto& exit : named_exits(GetParam())) {
    EXPECT_EQ(exit.name, exit_name(GetParam(), exit.index));
    EXPECT_FALSE(exit.why.empty()) << exit.name;
  }
}

TEST_P(NamedExits, have_a_place_each_and_the_rest_is_other) {
  uint32_t folded = 0;
  for (uint32_t i = 0; i < FLOW_EXIT_CODES; i++) {
    const auto place = folded_exit(GetParam(), i);
    ASSERT_LE(place, kNamedExits);
    if (place == kNamedExits)
      folded++;
    else
      EXPECT_EQ(folded_exit_name(GetParam(), place), exit_name(GetParam(), i));
  }
  EXPECT_EQ(folded, FLOW_EXIT_CODES - kNamedExits);
  EXPECT_EQ(folded_exit_name(GetParam(), kNamedExits), "other");
  EXPECT_EQ(folded_exit_name(GetParam(), kNamedExits + 1), "");
}

INSTANTIATE_TEST_SUITE_P(ExitReason, NamedExits, testing::Values(Vendor::kVmx, Vendor::kSvm),
                         [](const auto& info) { return std::string(vendor_name(info.param)); });

TEST(NamedExitsOfNoVendor, are_all_other) {
  EXPECT_TRUE(named_exits(Vendor::kNone).empty());
  EXPECT_EQ(folded_exit(Vendor::kNone, 0x72), kNamedExits);
  EXPECT_EQ(folded_exit_name(Vendor::kNone, 0), "");
  EXPECT_EQ(folded_exit_name(Vendor::kNone, kNamedExits), "other");
}

TEST(UserspaceExitName, is_that_of_the_kernel) {
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_UNKNOWN), "unknown");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_IO), "io");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_HLT), "hlt");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_MMIO), "mmio");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_SHUTDOWN), "shutdown");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_INTR), "intr");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_INTERNAL_ERROR), "internal_error");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_SYSTEM_EVENT), "system_event");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_IOAPIC_EOI), "ioapic_eoi");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_X86_WRMSR), "x86_wrmsr");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_DIRTY_RING_FULL), "dirty_ring_full");
  EXPECT_EQ(userspace_exit_name(KVM_EXIT_NOTIFY), "notify");
  EXPECT_EQ(KVM_EXIT_INTR, FLOW_KVM_EXIT_INTR);
}

TEST(UserspaceExitName, failure_and_what_is_newer_have_names_too) {
  EXPECT_EQ(userspace_exit_name(FLOW_USERSPACE_ERROR), "error");
  EXPECT_EQ(userspace_exit_name(61), "other");
  EXPECT_EQ(userspace_exit_name(FLOW_USERSPACE_OUT_OF_RANGE), "other");
  EXPECT_EQ(userspace_exit_name(0xffffffff), "other");
}

TEST(UserspaceExitName, is_used_once_below_the_newest) {
  std::set<std::string_view> names;
  uint32_t known = 0;
  while (userspace_exit_name(known) != "other") names.insert(userspace_exit_name(known++));
  EXPECT_EQ(names.size(), known);
}

TEST(FlowNames, every_state_has_a_name_and_a_meaning_of_its_own) {
  std::set<std::string_view> names, meanings;
  for (uint32_t state = 0; state <= FLOW_UNKNOWN; state++) {
    names.insert(state_name(static_cast<flow_state>(state)).name);
    meanings.insert(state_name(static_cast<flow_state>(state)).meaning);
  }
  EXPECT_EQ(names.size(), FLOW_STATES + 1u);
  EXPECT_EQ(meanings.size(), FLOW_STATES + 1u);
  EXPECT_EQ(state_name(FLOW_UNKNOWN).name, "unaccounted");
}

TEST(FlowNames, every_anomaly_and_every_loss_has_a_name_of_its_own) {
  std::set<std::string_view> anomalies, losses;
  for (uint32_t i = 0; i < FLOW_ANOMALIES; i++)
    anomalies.insert(anomaly_name(static_cast<flow_anomaly>(i)));
  for (uint32_t i = 0; i < FLOW_LOSSES; i++) losses.insert(loss_name(static_cast<flow_loss>(i)));
  EXPECT_EQ(anomalies.size(), static_cast<size_t>(FLOW_ANOMALIES));
  EXPECT_EQ(losses.size(), static_cast<size_t>(FLOW_LOSSES));
  EXPECT_FALSE(anomalies.contains("unknown"));
  EXPECT_FALSE(losses.contains("unknown"));
}

}  // namespace
}  // namespace vmflow::test
