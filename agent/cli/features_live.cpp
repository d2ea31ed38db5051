// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/features_live.h"

#include <fmt/format.h>

#include <utility>

#include "agent/json_fields.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

using Json = nlohmann::json;

FeatureSums totals_of(const Json& json) {
  auto totals = no_feature_sums();
  const auto counters = feature_counters();
  for (size_t i = 0; i < counters.size(); i++) {
    const auto value = number_of(field(json, counters[i].name.c_str()));
    if (!value || *value < 0) continue;
    totals.of[i] = counters[i].kind == FeatureCounterKind::kTime ? *value * 1e9 : *value;
  }
  return totals;
}

bool is_same(const CountersLook::Vm& before, const CountersLook::Vm& now) {
  return before.pid == now.pid && before.start_unix_seconds == now.start_unix_seconds;
}

}  // namespace

Result<CountersLook> counters_look(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  const auto seconds = number_of(field(json, "monotonic_seconds"));
  const auto& vms = field(json, "vms");
  if (!seconds || !vms.is_array()) return failure("what answers is not the API of a vmflowd");
  CountersLook look{*seconds, {}};
  for (const auto& vm : vms) {
    const auto id = sanitise(text_of(field(vm, "id")));
    if (id.empty()) continue;
    look.vms[id] = {
        .name = sanitise(text_of(field(vm, "name"))),
        .pid = count_of(field(vm, "pid")),
        .start_unix_seconds = number_of(field(vm, "start_time_unix_seconds")).value_or(0),
        .totals = totals_of(field(vm, "counters"))};
  }
  return look;
}

Result<CountersLook> ask_counters(AgentClient& agent) {
  const auto answer = agent.get("/api/v1/counters");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status == 404)
    return failure("what answers has no /api/v1/counters: it is no vmflowd, or an older one");
  if (answer->status != 200)
    return failure(
        fmt::format("status {}: is this the address of a vmflowd that is ready?", answer->status));
  return counters_look(answer->json);
}

FeatureReading features_between(const CountersLook& before, const CountersLook& now,
                                const std::string& host, double end_unix_seconds) {
  FeatureReading reading;
  const double wall_seconds = now.seconds - before.seconds;
  size_t fresh = 0;
  for (const auto& [id, vm] : now.vms) {
    const auto was = before.vms.find(id);
    const auto sums = was != before.vms.end() && is_same(was->second, vm) && wall_seconds > 0
                          ? feature_difference(was->second.totals, vm.totals, wall_seconds * 1e9)
                          : std::nullopt;
    if (!sums) {
      fresh++;
      continue;
    }
    reading.table.rows.push_back({.host = host,
                                  .vm = id,
                                  .name = vm.name,
                                  .begin_seconds = end_unix_seconds - wall_seconds,
                                  .end_seconds = end_unix_seconds,
                                  .values = feature_values(*sums)});
  }
  if (fresh > 0)
    reading.notes.push_back(fmt::format("{} of {} VMs are new or have begun anew, and are left out",
                                        fresh, now.vms.size()));
  if (now.vms.empty()) reading.notes.emplace_back("no VM runs there");
  return reading;
}

}  // namespace vmflow
