// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/use_json.h"

#include <nlohmann/json.hpp>

#include "analysis/seconds.h"

namespace vmflow {

nlohmann::ordered_json use_json(const VmUse& use) {
  nlohmann::ordered_json json{{"kind", vm_use_name(use.kind)},
                              {"sentence", vm_use_sentence(use)},
                              {"window_seconds", seconds(use.window_ns)}};
  if (use.kind == VmUseKind::kUnknown) return json;
  json["most_vcpus"] = use.most_vcpus;
  json["unused_vcpus"] = use.unused_vcpus;
  return json;
}

}  // namespace vmflow
