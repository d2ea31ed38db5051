// SPDX-License-Identifier: GPL-2.0-only
// Which cause of a VM's slowness comes first and which second, and what speaks for the first: by
// the same measure of the last minute and of a trace.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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
struct SlowdownRanking {
  CauseTime first;
  CauseTime second;
  std::vector<KindTime> kinds;
};

/// A cause counts that took a twentieth of the vCPUs' time; or a hundredth, if that is a fifth of
/// the time in which the VM wanted a CPU, without late wake-ups and exits: these are usual in a VM
/// that wants little. What is unknown comes first only if it is four times as much as any other.
/// Units: of the VM's vCPU time `whole_ns`, it wanted a CPU for `wanted_ns`.
SlowdownRanking slowdown_ranking(const SlowdownSums& sums, uint64_t whole_ns, uint64_t wanted_ns);

/// "platform, 7 % (690 ms)".
std::string cause_time_text(const CauseTime& cause, uint64_t whole_ns);

}  // namespace vmflow
