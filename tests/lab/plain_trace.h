// SPDX-License-Identifier: GPL-2.0-only
// What LTTng records by its own command line, as somebody without vmflow would.
#pragma once

#include <string>
#include <vector>

#include "process.h"

namespace vmflow::lab {

/// By name, never by a wildcard: LTTng's kvm_mmio oopses the host.
inline const std::vector<std::string> kPlainEvents{"kvm_x86_entry",
                                                   "kvm_x86_exit",
                                                   "kvm_userspace_exit",
                                                   "kvm_x86_apic_accept_irq",
                                                   "kvm_set_irq",
                                                   "kvm_msi_set_irq",
                                                   "kvm_x86_nested_vmexit",
                                                   "kvm_fpu",
                                                   "kvm_x86_nested_vmexit_inject",
                                                   "sched_switch",
                                                   "sched_waking",
                                                   "sched_wakeup",
                                                   "sched_migrate_task",
                                                   "sched_process_exit",
                                                   "irq_handler_entry",
                                                   "irq_handler_exit",
                                                   "x86_irq_vectors_local_timer_entry",
                                                   "x86_irq_vectors_local_timer_exit"};

/// Shape: buffers are per CPU; what does not fit is discarded and counted.
struct PlainTrace {
  std::string folder;
  bool with_contexts = true;
  std::string sub_buffer = "1M";
  int sub_buffers = 8;
};

/// What is recorded while `body` runs is in the folder. Errors: throws with what lttng says.
template <typename Body>
void record(const PlainTrace& trace, Body body) {
  const auto lttng = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "lttng");
    must(arguments);
  };
  const std::string session = "plain";
  lttng({"create", session, "--output=" + trace.folder});
  lttng({"enable-channel", "--kernel", "--session=" + session, "--subbuf-size=" + trace.sub_buffer,
         "--num-subbuf=" + std::to_string(trace.sub_buffers), "channel"});
  for (const auto& event : kPlainEvents)
    lttng({"enable-event", "--kernel", "--session=" + session, "--channel=channel", event});
  if (trace.with_contexts)
    lttng({"add-context", "--kernel", "--session=" + session, "--channel=channel", "--type=pid",
           "--type=tid", "--type=procname"});
  lttng({"start", session});
  body();
  lttng({"stop", session});
  lttng({"destroy", session});
}

}  // namespace vmflow::lab
