// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/vms_look.h"

#include <algorithm>
#include <utility>

namespace vmflow {
namespace {

using Json = nlohmann::json;

// A thousandth of the last minute: less is noise, and its name would only distract.
constexpr double kLeastCulpritSeconds = 0.06;

}  // namespace

NamedNumbers states_of(const Json& json) {
  auto states = numbers_of(field(json, "seconds"));
  if (const auto rest = number_of(field(json, "unaccounted_seconds")))
    states["unaccounted"] = *rest;
  return states;
}

std::string culprit_of(const Json& culprit) {
  const auto kind = text_of(field(culprit, "kind"));
  if (kind == "own_vm") return "itself";
  for (const auto* key : {"name", "task", "id"})
    if (auto name = text_of(field(culprit, key)); !name.empty()) return name;
  if (kind == "none") return "idle CPU";
  return kind;
}

VmCounters counters_of(const Json& json) {
  const auto& verdict = field(json, "verdict");
  const auto& culprit = field(verdict, "culprit");
  VmCounters vm{.id = text_of(field(json, "id")),
                .name = text_of(field(json, "name")),
                .vmm = text_of(field(json, "vmm")),
                .pid = count_of(field(json, "pid")),
                .vcpus = count_of(field(json, "vcpu_count")),
                .start_unix_seconds = number_of(field(json, "start_time_unix_seconds")),
                .states = states_of(json),
                .waits = numbers_of(field(json, "wait_seconds")),
                .exits = number_of(field(json, "exit_count")),
                .cause = text_of(field(verdict, "cause")),
                .cause_share = number_of(field(verdict, "share")),
                .sentence = text_of(field(verdict, "sentence")),
                .use = text_of(field(field(json, "use"), "kind")),
                .use_sentence = text_of(field(field(json, "use"), "sentence")),
                .culprit = ""};
  const auto least = kLeastCulpritSeconds * static_cast<double>(std::max<uint64_t>(vm.vcpus, 1));
  if (number_of(field(culprit, "seconds")).value_or(0) >= least) vm.culprit = culprit_of(culprit);
  return vm;
}

Result<VmsLook> vms_look(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  const auto& vms = field(json, "vms");
  if (!vms.is_array()) return failure("what answers is not the API of a vmflowd");
  VmsLook look{number_of(field(json, "monotonic_seconds")), {}};
  for (const auto& vm : vms)
    if (auto counters = counters_of(vm); !counters.id.empty())
      look.vms.push_back(std::move(counters));
  return look;
}

}  // namespace vmflow
