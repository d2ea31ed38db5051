// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/shown_name.h"

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

}  // namespace vmflow
