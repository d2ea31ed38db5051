// SPDX-License-Identifier: GPL-2.0-only
// Copies vCPUs out of memory that the kernel goes on writing to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/snapshot.h"
#include "bpf/records.h"

namespace vmflow {

/// Copies every slot of `live` that is in use to `snapshot.slots`, which will live in `room`: on a
/// large host memory that is new at each look takes longer than to copy. Returns how many are in
/// use.
/// Shape:  slot 0 is never in use.
/// Errors: none; a slot that never stands still is counted in Snapshot::torn_slots.
/// Threads: any; never stops the writers.
uint64_t read_slots(std::span<const vcpu_slot> live, std::vector<SlotCopy> room,
                    Snapshot& snapshot);

}  // namespace vmflow
