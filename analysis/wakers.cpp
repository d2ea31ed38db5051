// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/wakers.h"

#include <algorithm>
#include <tuple>

namespace vmflow {

std::map<VmKey, std::vector<WakerFlow>> wakers_of(const Snapshot& snapshot,
                                                  const std::map<VmKey, uint64_t>& task_ns) {
  std::map<VmKey, std::vector<WakerFlow>> wakers;
  auto left = task_ns;
  for (const auto& [key, value] : snapshot.wakers) {
    const VmKey vm{key.tgid, key.kvm};
    const auto rest = left.find(vm);
    if (rest == left.end()) continue;
    // What an earlier VM at the same address has left never makes more than there is.
    const uint64_t ns = std::min<uint64_t>(value.ns, rest->second);
    rest->second -= ns;
    WakerFlow pair{.vcpu_id = key.vcpu, .by_vcpu_id = {}, .count = value.count, .ns = ns};
    if (key.by_vcpu != FLOW_ANY_VCPU) pair.by_vcpu_id = key.by_vcpu;
    wakers[vm].push_back(pair);
  }
  for (auto& [vm, pairs] : wakers)
    std::ranges::sort(pairs, [](const WakerFlow& a, const WakerFlow& b) {
      return std::tie(b.ns, a.vcpu_id, a.by_vcpu_id) < std::tie(a.ns, b.vcpu_id, b.by_vcpu_id);
    });
  return wakers;
}

}  // namespace vmflow
