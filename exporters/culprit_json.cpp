// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/culprit_json.h"

#include <algorithm>

#include "analysis/flow_names.h"
#include "analysis/seconds.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

Json who(const FlowModel& model, const CulpritFlow& row) {
  Json culprit{{"kind", culprit_name(row.kind)}};
  if (const auto* vm = vm_called(model, row.vm); vm != nullptr) {
    culprit["id"] = vm->label;
    culprit["name"] = vm->name;
  }
  if (!row.task.empty()) culprit["task"] = row.task;
  if (row.pid != 0) culprit["pid"] = row.pid;
  return culprit;
}

}  // namespace

const VmFlow* vm_called(const FlowModel& model, std::string_view label) {
  const auto vm = std::ranges::find(model.vms, label, &VmFlow::label);
  return vm == model.vms.end() ? nullptr : &*vm;
}

Json culprit_json(const FlowModel& model, const CulpritFlow& row) {
  const auto* vm = vm_called(model, row.victim);
  return {{"victim", {{"id", row.victim}, {"name", vm == nullptr ? "" : vm->name}}},
          {"culprit", who(model, row)},
          {"seconds", seconds(row.ns)}};
}

Json culprits_json(const FlowModel& model, const VmFlow* victim) {
  Json rows = Json::array();
  for (const auto& row : model.culprits)
    if (victim == nullptr || row.victim == victim->label) rows.push_back(culprit_json(model, row));
  return rows;
}

}  // namespace vmflow
