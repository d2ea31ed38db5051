// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vcpu_windows.h"

#include <algorithm>

namespace vmflow {
namespace {

/// Its slot before its first event. Shape: what it has is its identity.
vcpu_slot unborn(const vcpu_slot& slot) {
  vcpu_slot before{};
  before.id = slot.id;
  before.flow.last_ns = slot.flow.first_ns - 1;
  return before;
}

}  // namespace

const vcpu_slot* same_vcpu(const Snapshot& snapshot, const vcpu_identity& id) {
  const auto found = std::ranges::find_if(snapshot.slots, [&](const SlotCopy& copy) {
    const vcpu_identity& its = copy.slot.id;
    return its.kvm == id.kvm && its.vcpu == id.vcpu && its.taken_ns == id.taken_ns;
  });
  return found == snapshot.slots.end() ? nullptr : &found->slot;
}

VcpuWindows vcpu_windows(const Snapshot& first, const Snapshot& last) {
  VcpuWindows windows;
  for (const auto& copy : last.slots) {
    const vcpu_slot& end = copy.slot;
    const vcpu_slot* begin = same_vcpu(first, end.id);
    if (begin != nullptr && begin->flow.first_ns != 0)
      windows.followed.push_back({*begin, end});
    else if (end.flow.first_ns > first.now_ns)
      windows.followed.push_back({unborn(end), end});
    else
      windows.partly++;
  }
  return windows;
}

}  // namespace vmflow
