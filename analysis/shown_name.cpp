// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/shown_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace vmflow {

const std::string& shown_name(const VmFlow& vm) {
  return vm.name.empty() ? vm.label : vm.name;
}

std::string shown_culprit(const FlowModel& model, const CulpritFlow& row) {
  if (row.vm.empty()) return row.task;
  const auto vm = std::ranges::find(model.vms, row.vm, &VmFlow::label);
  return vm == model.vms.end() ? row.vm : shown_name(*vm);
}

std::string culprit_text(const NamedCulprit& culprit) {
  const auto pid = culprit.pid == 0 ? "" : fmt::format(" (pid {})", culprit.pid);
  switch (culprit.kind) {
    case FLOW_CULPRIT_OTHER_VM:
      return culprit.who.empty() ? "another VM, not known which" : culprit.who;
    case FLOW_CULPRIT_OWN_VM:
      return culprit.who.empty() ? "a vCPU or thread of its own" : "its own " + culprit.who;
    case FLOW_CULPRIT_HOST_TASK:
      return culprit.who.empty() ? "a task of the host, not known which" : culprit.who + pid;
    case FLOW_CULPRIT_KERNEL_THREAD:
      return culprit.who.empty() ? "a kernel thread, not known which" : culprit.who + pid;
    case FLOW_CULPRIT_NONE:
      return "nobody: the CPU was idle";
    case FLOW_CULPRIT_IRQ:
      return "interrupts";
    case FLOW_CULPRIT_UNKNOWN:
    case FLOW_CULPRITS:
      break;
  }
  return "unknown";
}

}  // namespace vmflow
