// SPDX-License-Identifier: GPL-2.0-only
// The parts of the table of ctf_table.h.
#pragma once

#include <vector>

#include "agent/sources/ctf_table.h"

namespace vmflow {

/// KVM's events, by LTTng's names or, where it has none, the kernel's.
std::vector<CtfEvent> kvm_ctf_rows();
/// The scheduler's events and interrupts.
std::vector<CtfEvent> scheduler_ctf_rows();
/// Packets, by LTTng's names and vmflow's.
std::vector<CtfEvent> packet_ctf_rows();
/// What the kernel side decided.
std::vector<CtfEvent> own_ctf_rows();

inline constexpr uint32_t kNotTold32 = UINT32_MAX;
inline constexpr uint64_t kNotTold64 = UINT64_MAX;

}  // namespace vmflow
