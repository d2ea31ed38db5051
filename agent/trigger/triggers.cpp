// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/triggers.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "analysis/vm_label.h"

namespace vmflow {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

PolicyLimits limits_of(const TraceConfig& trace) {
  PolicyLimits limits;
  limits.cool_down_ns = trace.cool_down_seconds * kSecond;
  limits.per_hour = trace.per_hour;
  limits.off = trace.mode == "off";
  return limits;
}

}  // namespace

TriggerParts Triggers::parts_of(const Config& config, std::unique_ptr<TraceRecorder> recorder,
                                TriggerClock clock) {
  TriggerParts parts;
  parts.limits = limits_of(config.trace);
  parts.recorder = std::move(recorder);
  parts.clock = std::move(clock);
  parts.triggers = {kHttpTrigger, kAlertmanagerTrigger};
  for (const auto& rule : config.rules)
    if (rule.on) parts.triggers.push_back(rule.name);
  if (parts.limits.off) {
    parts.off_because = "snapshots are off: vmflowd runs with --trace.mode off";
    return parts;
  }
  auto store = SnapshotStore::open(config.trace.dir,
                                   {.quota_bytes = uint64_t{config.trace.quota_mib} << 20,
                                    .min_free_bytes = uint64_t{config.trace.min_free_mib} << 20});
  if (store)
    parts.store = std::move(*store);
  else
    parts.off_because = "snapshots are off: " + store.error().message;
  return parts;
}

Triggers::Triggers(const Config& config, std::unique_ptr<TraceRecorder> recorder,
                   TriggerClock clock)
    : watch_(config.rules), history_(config.trace.history_seconds * kSecond), loop_([&] {
        auto parts = parts_of(config, std::move(recorder), std::move(clock));
        parts.context = [this] { return context(); };
        parts.analyze = analyze_snapshot;
        if (parts.store)
          spdlog::info("snapshots go to {}, recorded by: {}", parts.store->folder().string(),
                       parts.recorder->backend());
        else
          spdlog::warn("{}", parts.off_because);
        return parts;
      }()) {}

SnapshotContext Triggers::context() const {
  const std::lock_guard lock(mutex_);
  return {.now_ns = history_.now_ns(),
          .host = host_,
          .version = version_,
          .revision = revision_,
          .history = history_};
}

void Triggers::tick(const FlowModel& model) {
  std::vector<Finding> findings;
  {
    const std::lock_guard lock(mutex_);
    host_ = model.host;
    version_ = model.agent.version;
    revision_ = model.agent.revision;
    history_.add(model);
    findings = watch_.look(model, model.now_ns);
  }
  for (auto& finding : findings) {
    const auto text = finding.sentence;
    TriggerRequest request{.trigger = finding.rule,
                           .vm = finding.vm,
                           .name = finding.name,
                           .reason = text,
                           .manual = false,
                           .finding = std::move(finding)};
    const auto asked = loop_.request(std::move(request));
    if (asked)
      spdlog::warn("{} Snapshot {} is being taken.", sanitise(text), *asked);
    else
      spdlog::warn("{} No snapshot: {}.", sanitise(text), asked.error().message);
  }
}

TraceFlow Triggers::flow() const {
  auto flow = loop_.flow();
  const std::lock_guard lock(mutex_);
  for (const auto& count : watch_.counts())
    for (auto& trigger : flow.triggers)
      if (trigger.name == count.rule) trigger.evaluations = count.evaluations;
  // A VM that is gone must leave no series behind.
  std::erase_if(flow.links, [this](const auto& link) { return !history_.is_live(link.vm); });
  return flow;
}

std::optional<VmRef> Triggers::find_vm(std::string_view label_or_name) const {
  const std::lock_guard lock(mutex_);
  std::optional<VmRef> named;
  for (const auto& [label, vm] : history_.vms()) {
    if (label == label_or_name) return VmRef{label, vm.name};
    if (vm.name != label_or_name || vm.name.empty()) continue;
    if (named) return std::nullopt;  // two of that name: which one is meant?
    named = VmRef{label, vm.name};
  }
  return named;
}

Asked Triggers::request(const std::string& trigger, const VmRef& vm, std::string_view reason) {
  return loop_.request({.trigger = trigger,
                        .vm = vm.label,
                        .name = vm.name,
                        .reason = sanitise(reason),
                        .manual = trigger == kHttpTrigger,
                        .finding = std::nullopt});
}

}  // namespace vmflow
