// SPDX-License-Identifier: GPL-2.0-only
// Which of a VM's processes are its workload, and which only run now and then beside it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "analysis/guest_process.h"
#include "analysis/process_rank.h"

namespace vmflow {

/// Who woke whom, without what chance makes of it: an interrupt that comes to a vCPU may be about
/// another process than the one that goes on there, and who had a vCPU before is not always the
/// reason why another one has it now. So whoever mostly waits for its timer has no waker, and an
/// edge is left out if it has few wake-ups, or few beside the most frequent waker of the same
/// process.
WakeGraph wake_graph(const VmProcesses& vm);

/// Ranks and groups by the wake-ups among the VM's processes; a group that has a good part of their
/// time is kept whatever its rank, since it is no noise. Absent: nothing tells of a wake-up.
/// Shape: as VmProcesses::processes.
std::optional<ProcessRanks> rank_workload(const VmProcesses& vm);

/// What the kept processes did, or all of them where there are no ranks. Units: nanoseconds.
struct ProcessWorkload {
  uint32_t processes = 0;
  uint32_t left_out = 0;  ///< processes that are taken for noise
  uint64_t guest_ns = 0;
  uint64_t behind_ns = 0;  ///< they waited for the vCPU behind other processes
  std::array<uint64_t, kWaitReasons> wait_ns{};
};

ProcessWorkload process_workload(const VmProcesses& vm);

}  // namespace vmflow
