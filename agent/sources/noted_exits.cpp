// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/noted_exits.h"

#include <algorithm>

namespace vmflow {

std::vector<NotedExit> noted_exits(std::span<const cpu_record> cpus) {
  std::vector<NotedExit> exits;
  for (const auto& cpu : cpus) {
    // The time is written last and taken away first: the same before and after, it is whole.
    const auto ns = __atomic_load_n(&cpu.noted_ns, __ATOMIC_ACQUIRE);
    if (ns == 0) continue;
    const NotedExit exit = {.slot = __atomic_load_n(&cpu.slot, __ATOMIC_RELAXED),
                            .code = __atomic_load_n(&cpu.noted_code, __ATOMIC_RELAXED),
                            .ns = ns};
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (__atomic_load_n(&cpu.noted_ns, __ATOMIC_RELAXED) == ns) exits.push_back(exit);
  }
  return exits;
}

void tell_noted(std::span<const NotedExit> exits, const flow_config& config,
                std::span<SlotCopy> copies) {
  for (const auto& exit : exits) {
    const auto copy = std::ranges::lower_bound(copies, exit.slot, {}, &SlotCopy::index);
    if (copy == copies.end() || copy->index != exit.slot) continue;
    auto& slot = copy->slot;
    if (!flow_in_guest(&slot.flow) || slot.flow.first_ns == 0 || slot.flow.last_ns > exit.ns)
      continue;
    const auto index = flow_exit_index(config.is_vmx, exit.code);
    slot_exit(&slot, exit.ns, index, index == config.halt_code);
  }
}

}  // namespace vmflow
