// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_skew_time.h"

#include <algorithm>
#include <set>
#include <utility>

namespace vmflow {

uint64_t skew_ns(const vm_skew& vm, uint64_t now_ns) {
  const auto now = static_cast<int64_t>(now_ns);
  const auto taken = static_cast<int64_t>(vm.taken_ns);
  int64_t skew = vm.skew_ns;
  // Skew lies between 0 and the VM's age; half of when it was taken is far from both.
  if (skew < -taken / 2) skew += now;
  if (skew > now - taken + taken / 2) skew -= now;
  return static_cast<uint64_t>(std::clamp<int64_t>(skew, 0, std::max<int64_t>(now - taken, 0)));
}

void take_in_skews(Carry& carry, const Snapshot& snapshot) {
  // Of one VM and its predecessor at the same address only the younger record counts.
  std::map<VmKey, const vm_skew*> of_vm;
  for (const auto& [slot, vcpu] : carry.vcpus) {
    const auto found = snapshot.skews.find(vcpu.skew);
    if (found == snapshot.skews.end() || found->second.kvm != vcpu.vm.kvm) continue;
    auto& known = of_vm[vcpu.vm];
    if (known == nullptr || known->taken_ns < found->second.taken_ns) known = &found->second;
  }
  for (const auto& [key, record] : of_vm)
    if (const auto vm = carry.vms.find(key); vm != carry.vms.end())
      vm->second.skew_ns = std::max(vm->second.skew_ns, skew_ns(*record, snapshot.now_ns));
}

}  // namespace vmflow
