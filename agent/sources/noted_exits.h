// SPDX-License-Identifier: GPL-2.0-only
// Exits that stand noted on their CPU and are not in their vCPU's record yet, told to copies of the
// records: a reader sees what has happened, not when the kernel side gets to it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/snapshot.h"
#include "bpf/config.h"
#include "bpf/records.h"

namespace vmflow {

/// Units: `ns` is CLOCK_MONOTONIC.
struct NotedExit {
  uint32_t slot = FLOW_NO_SLOT;
  uint32_t code = 0;
  uint64_t ns = 0;
};

/// What stands noted now. To be read before the slots are copied: what is told meanwhile shows in
/// the copy. Threads: any; never stops the writers.
std::vector<NotedExit> noted_exits(std::span<const cpu_record> cpus);

/// Steps each copy that has not been told its exit. Shape: `copies` by index.
void tell_noted(std::span<const NotedExit> exits, const flow_config& config,
                std::span<SlotCopy> copies);

}  // namespace vmflow
