// SPDX-License-Identifier: GPL-2.0-only
// One vCPU's slot, filled by events drawn in a test instead of by the kernel.
#pragma once

#include "bpf/records.h"

namespace vmflow::test {

constexpr uint32_t kCpuid = 0x72, kHlt = 0x78;  // SVM exit codes, which are their own exit index

/// Every call is one event at one time. Units: nanoseconds.
class DrawnSlot {
 public:
  vcpu_slot slot{};

  DrawnSlot& entry(uint64_t at_ns) {
    flow_entry(&slot.flow, at_ns);
    return *this;
  }
  DrawnSlot& exit(uint64_t at_ns, uint32_t index = kCpuid) {
    flow_exit(&slot.flow, at_ns, index, index == kHlt);
    return *this;
  }
  DrawnSlot& userspace_exit(uint64_t at_ns, uint32_t reason) {
    flow_userspace_exit(&slot.flow, at_ns, reason);
    return *this;
  }
  DrawnSlot& out(uint64_t at_ns, flow_state state) {
    flow_out(&slot.flow, at_ns, state);
    return *this;
  }
  DrawnSlot& woken(uint64_t at_ns) {
    flow_post_wake(&slot.mailbox, at_ns, 4711);
    return *this;
  }
  DrawnSlot& in(uint64_t at_ns) {
    flow_in(&slot.flow, &slot.mailbox, at_ns, 1, 0, 0);
    return *this;
  }
  DrawnSlot& thread_exit(uint64_t at_ns) {
    flow_end(&slot.flow, at_ns);
    slot.end.thread_exit_ns = at_ns;
    return *this;
  }
  DrawnSlot& destroyed(uint64_t at_ns) {
    slot.end.destroyed_ns = at_ns;
    return *this;
  }
};

}  // namespace vmflow::test
