// SPDX-License-Identifier: GPL-2.0-only
// Of a VM's flow, what tells what slows it down: since it was first seen, or between two moments.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bpf/records.h"

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

    /// It has work for so much of its time that this limits it.
    bool is_busy() const;
  };
  /// Exits of one reason.
  struct Exit {
    std::string reason;
    uint64_t count = 0;
    uint64_t ns = 0;  ///< see ExitFlow
  };
  std::array<uint64_t, FLOW_STATES> state_ns{};
  uint64_t unaccounted_ns = 0;
  std::array<uint64_t, FLOW_CULPRITS> culprit_ns{};
  std::array<uint64_t, FLOW_BLOCKS> block_ns{};
  uint64_t disk_halted_ns = 0;  ///< see DiskFlow
  uint64_t disk_waited_ns = 0;
  uint64_t disk_held_ns = 0;
  uint64_t disk_operations = 0;
  uint64_t disk_untold_ns = 0;  ///< halted for a disk of whose requests nothing is told
  uint64_t net_halted_ns = 0;   ///< see NetFlow
  uint64_t nested_ns = 0;       ///< of hypervisors, for nested guests
  std::vector<Vcpu> vcpus;      ///< by id
  std::vector<Exit> exits;      ///< all but those that an interrupt of the host may have made

  uint64_t whole_ns() const;
  uint64_t wanted_ns() const;
};

SlowdownPoint slowdown_point(const VmFlow& vm);

/// The same of time that is over. Shape: waits that had not ended then will not be told any more,
/// and count for what is not known of them; no part is more than its whole.
SlowdownPoint closed(SlowdownPoint point);

/// What happened in between. Shape: nothing falls; a vCPU that `before` has not counts from 0.
SlowdownPoint operator-(const SlowdownPoint& now, const SlowdownPoint& before);

}  // namespace vmflow
