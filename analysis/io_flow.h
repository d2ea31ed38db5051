// SPDX-License-Identifier: GPL-2.0-only
// What the kernel side counts of a VMM process, as what its VM does with disks, networks and
// interrupts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "analysis/flow_model.h"
#include "analysis/vcpu_totals.h"

namespace vmflow {

/// Absent until the host has seen a request of it.
std::optional<DiskFlow> disk_flow(const vm_io& io, const VcpuTotals& totals);

/// Absent until the host has seen it read a packet; `waiting` packets are in its taps now.
std::optional<NetFlow> net_flow(const vm_io& io, const VcpuTotals& totals, uint64_t waiting);

/// Shape: `by_kind` is indexed by enum flow_wake_kind, the result by WaitReason.
std::array<uint64_t, kWaitReasons> interrupts_by_reason(
    std::span<const __u64, FLOW_WAKE_KINDS> by_kind);

}  // namespace vmflow
