// SPDX-License-Identifier: GPL-2.0-only
// The exits that drawn traces are made of, as each vendor numbers them.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "analysis/event.h"

namespace vmflow::test {

/// The exit codes of one vendor, by what they mean.
/// Source: SVM_EXIT_* of asm/svm.h, EXIT_REASON_* of asm/vmx.h.
struct ExitWords {
  const char* name;
  uint32_t isa, cpuid, halt, io, interrupt, msr, fault, runs_guest;

  ExitEvent exit(uint32_t code, std::optional<uint32_t> vcpu_id = {}) const {
    return {.code = code, .isa = isa, .rip = 0, .vcpu_id = vcpu_id};
  }
};
inline constexpr ExitWords kSvmWords{"svm", FLOW_ISA_SVM, 0x72,  0x78, 0x7b,
                                     0x60,  0x7c,         0x400, 0x80};
inline constexpr ExitWords kVmxWords{"vmx", FLOW_ISA_VMX, 10, 12, 30, 1, 32, 48, 24};

inline auto both_vendors() {
  return testing::Values(kSvmWords, kVmxWords);
}
inline std::string vendor_of(const testing::TestParamInfo<ExitWords>& info) {
  return info.param.name;
}

}  // namespace vmflow::test
