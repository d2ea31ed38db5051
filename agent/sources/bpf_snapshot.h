// SPDX-License-Identifier: GPL-2.0-only
// Copies the kernel's maps into a Snapshot.
#pragma once

#include "agent/sources/bpf_programs.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// Reads all slots, costs and losses; the identities of VMs are the caller's to add.
/// Errors: none; a slot that never stands still is counted in Snapshot::torn_slots.
/// Threads: one at a time; never stops the writers.
/// `room`: see read_slots(). `with_pairs`: also who takes the CPU from whom and which vCPUs wake
/// one another, a system call or two for each pair.
Snapshot read_snapshot(const BpfPrograms& programs, const KernelSupport& support, bool with_pairs,
                       std::vector<SlotCopy> room = {});

}  // namespace vmflow
