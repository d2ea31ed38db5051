// SPDX-License-Identifier: GPL-2.0-only
// What an exit index means, by vendor, and which reasons have a series of their own.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "analysis/snapshot.h"

namespace vmflow {

/// The name of an exit index: the lower-case name in uapi asm/svm.h or asm/vmx.h, `excp_<n>` for
/// the exceptions of SVM, `unreadable` when the kernel told no code, else `<vendor>_0x<code>`.
std::string exit_name(Vendor vendor, uint32_t exit_index);

/// The exit indices of HLT and of a nested page fault; of SVM if no vendor is known.
/// Source: SVM_EXIT_HLT, SVM_EXIT_NPF of asm/svm.h; EXIT_REASON_HLT, EXIT_REASON_EPT_VIOLATION of asm/vmx.h.
uint32_t halt_exit(Vendor vendor);
uint32_t page_fault_exit(Vendor vendor);
/// Did an interrupt, of the host's or for the guest, take it out at whatever it did?
bool is_interrupt_exit(Vendor vendor, uint32_t index);

/// `vmx`, `svm` or `none`.
std::string_view vendor_name(Vendor vendor);

/// A reason with a series of its own, and why it has one.
struct NamedExit {
  uint32_t index;
  std::string_view name;
  std::string_view why;
};

constexpr uint32_t kNamedExits = 12;
/// The named ones, then `other`.
constexpr uint32_t kFoldedExits = kNamedExits + 1;
constexpr std::string_view kOtherExit = "other";

/// The fixed list of reasons that are not folded. Shape: kNamedExits, or none for Vendor::kNone.
std::span<const NamedExit> named_exits(Vendor vendor);

/// The place of an exit index among the folded reasons: kNamedExits is `other`.
uint32_t folded_exit(Vendor vendor, uint32_t exit_index);

/// The name of a folded place; empty for a place the vendor does not use.
std::string_view folded_exit_name(Vendor vendor, uint32_t place);

}  // namespace vmflow
