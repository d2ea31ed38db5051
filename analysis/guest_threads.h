// SPDX-License-Identifier: GPL-2.0-only
// The threads of guest processes, told by their stacks. Inside guest_process only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/guest_spans.h"

namespace vmflow {

/// Of one process.
struct GuestThreads {
  uint32_t seen = 0;       ///< stacks that it alone was seen on
  uint64_t switches = 0;   ///< another one of them had the vCPU, without another process between
  uint64_t preempted = 0;  ///< of these, after a timer's interrupt
};

/// By their places. Blind: threads that share a stack region, or change between two exits and back.
std::vector<GuestThreads> guest_threads(std::span<const ReplayedVcpu* const> vcpus,
                                        const AddressMasks& masks,
                                        const GuestProcessPlaces& places);

}  // namespace vmflow
