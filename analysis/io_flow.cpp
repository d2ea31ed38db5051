// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/io_flow.h"

#include <algorithm>

namespace vmflow {

std::optional<DiskFlow> disk_flow(const vm_io& io, const VcpuTotals& totals) {
  DiskFlow disk;
  std::copy_n(std::begin(io.disk), FLOW_DISK_OPS, disk.done.begin());
  disk.in_flight = static_cast<uint64_t>(std::max<int64_t>(io.disk_busy.users, 0));
  disk.halted_ns = totals.disk_pending_ns;
  disk.contended_ns = io.disk_contended_ns;
  disk.waited_ns = io.disk_waited_ns;
  disk.held_ns = io.disk_held_ns;
  const bool is_seen = disk.in_flight != 0 || std::ranges::any_of(disk.done, [](const auto& count) {
                         return count.operations != 0;
                       });
  return is_seen ? std::optional(disk) : std::nullopt;
}

std::optional<NetFlow> net_flow(const vm_io& io, const VcpuTotals& totals, uint64_t waiting) {
  if (io.net_seen == 0) return {};
  NetFlow net{.received = io.net[FLOW_NET_RECEIVE], .tap = {}};
  if ((io.net_seen & FLOW_NET_QUEUE) != 0)
    net.tap = NetFlow::Tap{.transmitted = io.net[FLOW_NET_TRANSMIT],
                           .waiting = waiting,
                           .waited_ns = io.net_waited_ns,
                           .dropped = io.net_dropped,
                           .halted_ns = totals.net_pending_ns};
  return net;
}

std::array<uint64_t, kWaitReasons> interrupts_by_reason(
    std::span<const __u64, FLOW_WAKE_KINDS> by_kind) {
  std::array<uint64_t, kWaitReasons> by_reason{};
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++)
    by_reason[static_cast<uint32_t>(wait_reason(static_cast<flow_wake_kind>(kind)))] +=
        by_kind[kind];
  return by_reason;
}

}  // namespace vmflow
