// SPDX-License-Identifier: GPL-2.0-only
// Drawn intervals of one vCPU with what they must add up to. The same tables are stepped natively
// and in the kernel, and both must give these sums.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bpf/records.h"
#include "tests/bpf/flow_step.h"

namespace vmflow::test {

/// What a table must lead to. Units: nanoseconds. Fields that a table does not name must be 0.
struct Sums {
  uint64_t guest = 0, kvm = 0, vmm = 0, halt_poll = 0, halted = 0, ready = 0, throttled = 0,
           vmm_blocked = 0, paused = 0, unknown = 0, held = 0;
  bool operator==(const Sums&) const = default;
};

struct FlowTable {
  std::string name;
  std::vector<flow_step> steps;
  Sums sums;
  /// (exit index, count, ns) for every exit that was counted.
  std::vector<std::vector<uint64_t>> exits;
  std::vector<uint64_t> anomalies = std::vector<uint64_t>(FLOW_ANOMALIES, 0);
  /// Halted time by what ended it, where it is not all FLOW_WAKE_BARE.
  std::vector<std::pair<flow_wake_kind, uint64_t>> waits = {};
  uint64_t unsettled = 0;
  /// Ready time by who held the CPU, where it is not all unknown.
  std::vector<std::pair<flow_culprit, uint64_t>> culprits = {};
  uint64_t io_pending = 0;
  /// Time of ns[FLOW_VMM_BLOCKED], where it is not all FLOW_BLOCK_OTHER.
  std::vector<std::pair<flow_block, uint64_t>> blocks = {};
};

/// All tables. Shape: one entry per drawn scene.
const std::vector<FlowTable>& flow_tables();

/// What `flow` adds up to, in the shape of a table.
Sums sums_of(const vcpu_flow& flow);
std::vector<std::vector<uint64_t>> exits_of(const vcpu_flow& flow);
/// The waits that `table` must lead to, by kind.
std::vector<uint64_t> waits_of(const FlowTable& table);
/// The blocked time that it must lead to, by cause.
std::vector<uint64_t> blocks_of(const FlowTable& table);
/// The ready time that it must lead to, by culprit.
std::vector<uint64_t> culprits_of(const FlowTable& table);

}  // namespace vmflow::test
