// SPDX-License-Identifier: GPL-2.0-only
// A host of many busy QEMU VMs as the kernel's maps and /proc would show it, look after look.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow::bench {

constexpr uint32_t kVcpusPerVm = 4;

/// Every VM has a disk, a tap, eight kinds of exits, helper threads, and waits of all durations.
class MadeUpHost {
 public:
  explicit MadeUpHost(uint32_t vms);

  /// One second of all VMs, in place, as the kernel's programs would write it.
  void run_a_second();

  /// As the kernel maps it. Shape: index 0 is never in use.
  const std::vector<vcpu_slot>& slots() const { return slots_; }
  /// All of a look but the slots. `with_pairs`: with who took the CPU from whom, and who woke whom.
  Snapshot look_without_slots(bool with_pairs) const;

 private:
  std::vector<vcpu_slot> slots_;
  Snapshot rest_;
};

}  // namespace vmflow::bench
