// SPDX-License-Identifier: GPL-2.0-only
// What one VM has used lately, look by look: the last minutes that vm_use judges.
#pragma once

#include <cstdint>
#include <deque>

#include "analysis/vm_use.h"

namespace vmflow {

/// Shape: remembers ten marks of a window; a window begins at one of them, so it is up to a tenth
///        longer than asked for. How many vCPUs were used at once is seen over a second or more.
class VmUseBook {
 public:
  /// Units: `now_ns` is CLOCK_MONOTONIC. `window_ns` may change from look to look.
  void take_in(uint64_t now_ns, VmUsePoint point, uint64_t window_ns);
  /// `vcpus` are those that live now. Shape: kUnknown until a whole window was seen.
  VmUse use(uint32_t vcpus) const;

 private:
  /// Where a window may begin. Shape: `most_vcpus` is of the time since the mark before.
  struct Mark {
    uint64_t ns = 0;
    double most_vcpus = 0;
    VmUsePoint point;
  };
  double most_since_mark_ = 0;
  uint64_t window_ns_ = kVmUseWindowNs;
  uint64_t last_ns_ = 0;
  VmUsePoint last_;
  std::deque<Mark> marks_;  ///< the oldest first
};

}  // namespace vmflow
