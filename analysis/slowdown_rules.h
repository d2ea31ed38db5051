// SPDX-License-Identifier: GPL-2.0-only
// The one table of what slows a VM down: which time of it speaks for which cause.
//
// Work is no slowdown by itself. A VM that works all the time is limited by its own load only while
// nobody else takes a fifth of the time that it wants; the same holds for its disk. Whether it is
// its load or contention inside it, only evidence of its processes tells: without it, it is untold.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/slowdown.h"

namespace vmflow {

struct VmFlow;

/// What the rules read of a VM at one moment, or of the difference of two. Units: nanoseconds.
struct SlowdownPoint {
  struct Vcpu {
    uint32_t vcpu_id = 0;
    uint64_t on_cpu_ns = 0;
    uint64_t vmm_ns = 0;
    uint64_t wanted_ns = 0;  ///< on a CPU, ready or throttled
    uint64_t whole_ns = 0;
  };
  std::array<uint64_t, FLOW_STATES> state_ns{};
  uint64_t unaccounted_ns = 0;
  std::array<uint64_t, FLOW_CULPRITS> culprit_ns{};
  std::array<uint64_t, FLOW_BLOCKS> block_ns{};
  uint64_t disk_halted_ns = 0;  ///< see DiskFlow
  uint64_t disk_waited_ns = 0;
  uint64_t disk_held_ns = 0;
  uint64_t disk_operations = 0;
  uint64_t net_halted_ns = 0;  ///< see NetFlow
  uint64_t nested_ns = 0;      ///< of hypervisors, for nested guests
  std::vector<Vcpu> vcpus;     ///< by id

  uint64_t whole_ns() const;
  uint64_t wanted_ns() const;
};

SlowdownPoint slowdown_point(const VmFlow& vm);

/// What happened in between. Shape: nothing falls; a vCPU that `before` has not counts from 0.
SlowdownPoint operator-(const SlowdownPoint& now, const SlowdownPoint& before);

/// One row of the table. Shape: `text` goes on a sentence: "…, mostly because `text`".
struct SlowdownRule {
  SlowdownKind kind;
  std::string_view name;  ///< in JSON
  Cause cause;
  std::string_view text;
};

/// In the order of SlowdownKind.
std::span<const SlowdownRule> slowdown_rules();

/// What each kind took of `happened`. Shape: the sum is at most its time, of whose halts the disk's
/// time is a part.
SlowdownSums slowdown_of(const SlowdownPoint& happened,
                         const std::optional<GuestContention>& processes);

}  // namespace vmflow
