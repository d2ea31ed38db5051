// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bpf/flow_tables.h"

namespace vmflow::test {

Sums sums_of(const vcpu_flow& flow) {
  return {.guest = flow.ns[FLOW_GUEST],
          .kvm = flow.ns[FLOW_KVM],
          .vmm = flow.ns[FLOW_VMM],
          .halt_poll = flow.ns[FLOW_HALT_POLL],
          .halted = flow.ns[FLOW_HALTED],
          .ready = flow.ns[FLOW_READY],
          .throttled = flow.ns[FLOW_THROTTLED],
          .vmm_blocked = flow.ns[FLOW_VMM_BLOCKED],
          .paused = flow.ns[FLOW_PAUSED],
          .unknown = flow.ns[FLOW_UNKNOWN],
          .held = flow.held_ns};
}

std::vector<std::vector<uint64_t>> exits_of(const vcpu_flow& flow) {
  std::vector<std::vector<uint64_t>> exits;
  for (uint64_t i = 0; i < FLOW_EXIT_CODES; i++)
    if (flow.exits[i].count != 0 || flow.exits[i].ns != 0)
      exits.push_back({i, flow.exits[i].count, flow.exits[i].ns});
  return exits;
}

std::vector<uint64_t> waits_of(const FlowTable& table) {
  std::vector<uint64_t> waits(FLOW_WAKE_KINDS, 0);
  for (const auto& [kind, ns] : table.waits) waits[kind] += ns;
  if (table.waits.empty()) waits[FLOW_WAKE_BARE] = table.sums.halted - table.unsettled;
  return waits;
}

std::vector<uint64_t> blocks_of(const FlowTable& table) {
  std::vector<uint64_t> blocks(FLOW_BLOCKS, 0);
  for (const auto& [block, ns] : table.blocks) blocks[block] += ns;
  if (table.blocks.empty()) blocks[FLOW_BLOCK_OTHER] = table.sums.vmm_blocked;
  return blocks;
}

std::vector<uint64_t> culprits_of(const FlowTable& table) {
  std::vector<uint64_t> culprits(FLOW_CULPRITS, 0);
  for (const auto& [culprit, ns] : table.culprits) culprits[culprit] += ns;
  if (table.culprits.empty()) culprits[FLOW_CULPRIT_UNKNOWN] = table.sums.ready;
  return culprits;
}

}  // namespace vmflow::test
