// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/nested_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/flow_names.h"
#include "analysis/guest_process.h"
#include "analysis/seconds.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMost = 256;

std::string address(uint64_t address) {
  return fmt::format("{:#x}", address);
}

Json row(const NestedVcpu& vcpu) {
  Json states, waits, ready, preempted = Json::object();
  for (uint32_t i = 0; i < kNestedStates; i++)
    states[std::string(nested_state_name(static_cast<NestedState>(i)))] = seconds(vcpu.state_ns[i]);
  for (uint32_t i = 0; i < kWaitReasons; i++)
    waits[std::string(wait_reason_name(static_cast<WaitReason>(i)))] = seconds(vcpu.wait_ns[i]);
  for (uint32_t i = 0; i < FLOW_CULPRITS; i++)
    ready[std::string(culprit_name(static_cast<flow_culprit>(i)))] = seconds(vcpu.ready_ns[i]);
  for (const auto& [by, ns] : vcpu.preempted_by_ns)
    preempted[by == 0 ? "unknown" : address(by)] = seconds(ns);
  Json json{{"vmcb12", address(vcpu.vmcb12)},
            {"nested_vm", address(vcpu.nested_vm)},
            {"level", vcpu.level}};
  if (vcpu.parent != 0) json["run_by"] = address(vcpu.parent);
  if (vcpu.owner) json["run_by_process"] = process_name(*vcpu.owner);
  json["seconds"] = std::move(states);
  json["wait_seconds"] = std::move(waits);
  json["ready_by_culprit_seconds"] = std::move(ready);
  json["preempted_by_seconds"] = std::move(preempted);
  return json;
}

}  // namespace

nlohmann::ordered_json nested_json(const VmNested& nested) {
  Json rows = Json::array();
  for (size_t i = 0; i < std::min(kMost, nested.vcpus.size()); i++)
    rows.push_back(row(nested.vcpus[i]));
  return rows;
}

}  // namespace vmflow
