// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/amount_text.h"
#include "analysis/slowdown_rules.h"
#include "analysis/slowdown_sentence.h"

namespace vmflow {
namespace {

// A trace has every moment, but of a few time slices nothing follows.
constexpr uint64_t kLeastSeenNs = 100'000'000;

SentenceFacts facts_of(const VmFlow& vm, std::span<const NamedCulprit> culprits,
                       const std::optional<GuestContention>& processes) {
  auto point = closed(slowdown_point(vm));
  const auto sums = slowdown_of(point, processes);
  const auto as_own = slowdown_of(point, processes.value_or(GuestContention{}));
  return {
      .vm = vm, .culprits = culprits, .point = std::move(point), .sums = sums, .as_own = as_own};
}

/// Less its own work, of which nothing is lost.
SlowdownSums without_work(const SentenceFacts& facts) {
  auto sums = facts.sums;
  const auto take = [&](SlowdownKind kind) {
    auto& ns = sums[static_cast<uint32_t>(kind)];
    ns -= std::min(ns, facts.own(SlowdownKind::kOwnWork));
  };
  take(SlowdownKind::kOwnWork);
  take(SlowdownKind::kUntold);
  return sums;
}

/// The sentence of the kind that took most, and what it does not say: how much the cause took in
/// all, and the second one.
std::string sentence(const SentenceFacts& facts, const SlowdownRanking& ranking,
                     uint64_t whole_ns) {
  if (ranking.first.cause == Cause::kNothing) return unhurt_sentence(facts);
  constexpr uint64_t kAgreeParts = 20;
  auto [told_ns, text] = slowdown_sentence(facts, ranking.kinds.front());
  const auto all_ns = ranking.first.ns;
  if (std::max(told_ns, all_ns) - std::min(told_ns, all_ns) > all_ns / kAgreeParts)
    text += fmt::format(" In all: {}.", cause_time_text(ranking.first, whole_ns));
  if (ranking.second.cause != Cause::kNothing)
    text += fmt::format(" Second: {}.", cause_time_text(ranking.second, whole_ns));
  return text;
}

}  // namespace

Verdict verdict_of(const VmFlow& vm, std::span<const NamedCulprit> culprits,
                   const std::optional<GuestContention>& processes) {
  const auto facts = facts_of(vm, culprits, processes);
  const auto whole_ns = facts.point.whole_ns(), wanted_ns = facts.point.wanted_ns();
  Verdict verdict{.of_ns = whole_ns, .second = {}, .sentence = {}};
  if (whole_ns == 0) {
    verdict.sentence = "The trace shows no time of it.";
    return verdict;
  }
  if (whole_ns / std::max<size_t>(facts.point.vcpus.size(), 1) < kLeastSeenNs) {
    verdict.sentence = fmt::format("Not enough evidence: the trace shows no more than {} of it.",
                                   time_text(whole_ns));
    return verdict;
  }
  const auto ranking = slowdown_ranking(facts.sums, whole_ns, wanted_ns);
  verdict.cause = ranking.first.cause;
  verdict.cost_ns = ranking.first.ns;
  verdict.second = ranking.second;
  verdict.lost_ns = slowdown_ranking(without_work(facts), whole_ns, wanted_ns).first.ns;
  verdict.sentence = sentence(facts, ranking, whole_ns);
  if (verdict.cause == Cause::kNothing && is_blind(facts)) verdict.cause = Cause::kUnknown;
  return verdict;
}

}  // namespace vmflow
