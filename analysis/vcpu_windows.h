// SPDX-License-Identifier: GPL-2.0-only
// Which vCPUs are the same in two looks, and from when to when each is followed between them.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

/// One vCPU from `begin` to `end`: from its last event in the first look to its last one in the
/// second. Shape: of one that came in between, `begin` is its identity just before its first event.
struct VcpuWindow {
  vcpu_slot begin{};
  vcpu_slot end{};

  uint64_t begin_ns() const { return begin.flow.last_ns; }
  uint64_t end_ns() const { return end.flow.last_ns; }
};

struct VcpuWindows {
  std::vector<VcpuWindow> followed;
  uint32_t partly = 0;  ///< vCPUs of which one look does not tell enough
};

VcpuWindows vcpu_windows(const Snapshot& first, const Snapshot& last);

/// The slot of the very same vCPU; nullptr if there is none.
const vcpu_slot* same_vcpu(const Snapshot& snapshot, const vcpu_identity& id);

}  // namespace vmflow
