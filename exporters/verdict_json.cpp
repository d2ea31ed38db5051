// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/verdict_json.h"

#include "analysis/seconds.h"
#include "analysis/slowdown_rules.h"
#include "analysis/slowdown_verdict.h"
#include "exporters/culprit_json.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

Json cause(const SlowdownWindow& window, const CauseTime& cause) {
  const double whole = seconds(window.whole_ns);
  return {{"cause", cause_label(cause.cause)},
          {"seconds", seconds(cause.ns)},
          {"share", whole > 0 ? seconds(cause.ns) / whole : 0}};
}

Json causes(const SlowdownWindow& window) {
  const auto sums = by_cause(window.ns);
  Json causes;
  for (uint32_t cause = 1; cause < kCauses; cause++)
    causes[std::string(cause_label(static_cast<Cause>(cause)))] = seconds(sums[cause]);
  return causes;
}

Json evidence(const SlowdownWindow& window) {
  Json rows = Json::array();
  for (const auto& rule : slowdown_rules()) {
    const auto ns = window.ns[static_cast<uint32_t>(rule.kind)];
    if (ns == 0) continue;
    rows.push_back({{"kind", rule.name},
                    {"cause", cause_label(rule.cause)},
                    {"seconds", seconds(ns)},
                    {"text", rule.text}});
  }
  return rows;
}

}  // namespace

Json verdict_json(const VmFlow& vm, const FlowModel& model) {
  const auto& window = vm.slowdown.window;
  const auto verdict = slowdown_verdict(vm, model);
  Json json{{"id", vm.label}, {"name", vm.name}};
  json.update(cause(window, verdict.first));
  json["enough_evidence"] = verdict.first.cause != Cause::kUnknown;
  json["sentence"] = verdict.sentence;
  json["second"] = verdict.second.cause == Cause::kNothing ? Json() : cause(window, verdict.second);
  json["causes"] = causes(window);
  json["evidence"] = evidence(window);
  json["culprits"] = Json::array();
  for (const auto& row : verdict.culprits) json["culprits"].push_back(culprit_json(model, row));
  json["guest_processes_told"] = vm.slowdown.processes_told;
  json["window_seconds"] = seconds(window.end_ns - window.begin_ns);
  json["vcpu_seconds"] = seconds(window.whole_ns);
  json["wanted_seconds"] = seconds(window.wanted_ns);
  return json;
}

Json short_verdict_json(const VmFlow& vm, const FlowModel& model) {
  const auto verdict = slowdown_verdict(vm, model);
  auto json = cause(vm.slowdown.window, verdict.first);
  json["sentence"] = verdict.sentence;
  json["culprit"] = nullptr;
  if (verdict.culprits.empty()) return json;
  const auto row = culprit_json(model, verdict.culprits.front());
  json["culprit"] = row["culprit"];
  json["culprit"]["seconds"] = row["seconds"];
  return json;
}

}  // namespace vmflow
