// SPDX-License-Identifier: GPL-2.0-only
// Which cause slows a VM down now, with the seconds that say so and the second-best cause.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/flow_model.h"
#include "analysis/slowdown.h"

namespace vmflow {

/// Time that one cause took. Units: nanoseconds of vCPU time.
struct CauseTime {
  Cause cause = Cause::kNothing;
  uint64_t ns = 0;
};

/// Time that one kind took. Units: the same.
struct KindTime {
  SlowdownKind kind = SlowdownKind::kUnaccounted;
  uint64_t ns = 0;
};

/// Shape: `first` is kNothing if no cause counts, kUnknown without enough evidence; `second` is the
///        cause that took most after it, kNothing if none took anything. `kinds` are those that
///        took something, of `first` or of all if that is nothing, the longest first.
struct SlowdownVerdict {
  CauseTime first;
  CauseTime second;
  std::vector<KindTime> kinds;
  std::vector<CulpritFlow> culprits;  ///< who had its CPU in the window, the worst first
  std::string sentence;
};

/// A cause counts that took a twentieth of the vCPUs' time; or a hundredth, if that is a fifth of
/// the time in which the VM wanted a CPU and more than late wake-ups. What is unknown comes first
/// only if it is four times as much as any other.
/// Units:  the last minute, see SlowdownWindow. `model` is the VM's, with its culprits.
/// Errors: none; of a VM that was seen for less than three seconds nothing is known.
SlowdownVerdict slowdown_verdict(const VmFlow& vm, const FlowModel& model);

}  // namespace vmflow
