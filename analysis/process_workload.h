// SPDX-License-Identifier: GPL-2.0-only
// Which of a VM's processes are its workload, and which only run now and then beside it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "analysis/guest_process.h"
#include "analysis/process_rank.h"

namespace vmflow {

/// Who woke whom. A wake-up that an interrupt to another vCPU tells counts, and one is enough. One
/// that is told only by who had the vCPU before may be chance: it counts if there are some, and if
/// they are a good part of what woke that process.
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
