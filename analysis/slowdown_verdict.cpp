// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "analysis/amount_text.h"
#include "analysis/shown_name.h"
#include "analysis/slowdown_rules.h"

namespace vmflow {
namespace {

constexpr uint64_t kLeastWindowNs = 3'000'000'000;

/// The model's rows of the VM, less what they were when the window began.
std::vector<CulpritFlow> culprits_since(const VmFlow& vm, const FlowModel& model) {
  auto before = vm.slowdown.window.taken_before;
  std::vector<CulpritFlow> culprits;
  for (auto row : model.culprits) {
    if (row.victim != vm.label) continue;
    for (auto& was : before) {
      if (was.kind != row.kind || was.pid != row.pid) continue;
      const uint64_t earlier_ns = std::min(was.ns, row.ns);
      was.ns -= earlier_ns;
      row.ns -= earlier_ns;
    }
    if (row.ns != 0) culprits.push_back(std::move(row));
  }
  std::ranges::stable_sort(culprits, std::greater{}, &CulpritFlow::ns);
  return culprits;
}

std::optional<flow_culprit> culprit_of(SlowdownKind kind) {
  if (kind == SlowdownKind::kCpuOtherVm) return FLOW_CULPRIT_OTHER_VM;
  if (kind == SlowdownKind::kCpuHostTask) return FLOW_CULPRIT_HOST_TASK;
  if (kind == SlowdownKind::kCpuKernelThread) return FLOW_CULPRIT_KERNEL_THREAD;
  return std::nullopt;
}

/// " (batch-1 90 % of that)", or nothing if the worst one has no name.
std::string who(const FlowModel& model, const SlowdownVerdict& verdict) {
  const auto kind = culprit_of(verdict.kinds.front().kind);
  if (!kind) return "";
  const auto worst = std::ranges::find(verdict.culprits, *kind, &CulpritFlow::kind);
  if (worst == verdict.culprits.end()) return "";
  const auto name = shown_culprit(model, *worst);
  if (name.empty()) return "";
  const auto text = culprit_text({.kind = *kind, .who = name, .pid = worst->pid, .ns = worst->ns});
  const uint64_t all_ns = verdict.kinds.front().ns;
  return fmt::format(" ({} {} of that)", text, share_text(std::min(worst->ns, all_ns), all_ns));
}

std::string_view begins(Cause cause) {
  switch (cause) {
    case Cause::kOwnLoad:
      return "Its own load slows it";
    case Cause::kInsideVm:
      return "Contention inside it slows it";
    case Cause::kOtherVm:
      return "A co-located VM slows it";
    case Cause::kPlatform:
      return "The platform slows it";
    case Cause::kUnknown:
    case Cause::kNothing:
      break;
  }
  return "Not enough evidence";
}

std::string sentence(const FlowModel& model, const SlowdownWindow& window,
                     const SlowdownVerdict& verdict) {
  const auto last = time_text(window.end_ns - window.begin_ns);
  if (verdict.first.cause == Cause::kNothing)
    return fmt::format("Nothing slows it: no cause took a twentieth of its time in the last {}.",
                       last);
  auto text =
      fmt::format("{}: {} of its vCPU time in the last {} ({}), mostly because {}{}.",
                  begins(verdict.first.cause), share_text(verdict.first.ns, window.whole_ns), last,
                  time_text(verdict.first.ns), slowdown_rule(verdict.kinds.front().kind).text,
                  who(model, verdict));
  if (verdict.second.cause != Cause::kNothing)
    text += fmt::format(" Second: {}.", cause_time_text(verdict.second, window.whole_ns));
  return text;
}

}  // namespace

SlowdownVerdict slowdown_verdict(const VmFlow& vm, const FlowModel& model) {
  const auto& window = vm.slowdown.window;
  const uint64_t seen_ns = window.end_ns - std::min(window.begin_ns, window.end_ns);
  SlowdownVerdict verdict;
  if (seen_ns < kLeastWindowNs || window.whole_ns == 0) {
    verdict.first = {Cause::kUnknown, 0};
    verdict.sentence = "Not enough evidence: it was seen for less than three seconds.";
    return verdict;
  }
  static_cast<SlowdownRanking&>(verdict) =
      slowdown_ranking(window.ns, window.whole_ns, window.wanted_ns);
  verdict.culprits = culprits_since(vm, model);
  verdict.sentence = sentence(model, window, verdict);
  return verdict;
}

}  // namespace vmflow
