// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/counters_json.h"

#include <nlohmann/json.hpp>

#include "analysis/feature_counters.h"
#include "analysis/seconds.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

Json counters(const VmFlow& vm) {
  Json all = Json::object();
  for (const auto& counter : feature_counters()) {
    const auto value = counter.read(vm);
    if (!value) continue;
    if (counter.kind == FeatureCounterKind::kTime)
      all[counter.name] = seconds(*value);
    else
      all[counter.name] = *value;
  }
  return all;
}

}  // namespace

Json counters_json(const FlowModel& model) {
  Json vms = Json::array();
  for (const auto& vm : model.vms)
    vms.push_back({{"id", vm.label},
                   {"name", vm.name},
                   {"pid", vm.pid},
                   {"start_time_unix_seconds", vm.start_time_unix_seconds},
                   {"counters", counters(vm)}});
  return {{"monotonic_seconds", seconds(model.now_ns)}, {"vms", std::move(vms)}};
}

}  // namespace vmflow
