// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown_ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "analysis/amount_text.h"
#include "analysis/slowdown_rules.h"

namespace vmflow {
namespace {

// How much less than what is known the unknown weighs: it must not hide that, unless it is nearly
// all.
constexpr uint64_t kUnknownWeighs = 4;

/// One VM's time, to be ranked.
struct Taken {
  const SlowdownSums& sums;
  uint64_t whole_ns;
  uint64_t wanted_ns;

  uint64_t of(SlowdownKind kind) const { return sums[static_cast<uint32_t>(kind)]; }

  bool counts(const CauseTime& cause) const {
    if (cause.ns == 0) return false;
    if (cause.ns >= whole_ns / 20) return true;
    uint64_t ns = cause.ns;
    if (cause.cause == Cause::kPlatform) ns -= of(SlowdownKind::kCpuIdle);
    if (cause.cause == Cause::kOwnLoad) ns -= of(SlowdownKind::kExitStorm);
    return ns != 0 && ns >= whole_ns / 100 && ns >= wanted_ns / 5;
  }
};

/// All causes but kNothing, those that count before the others, the longest first.
std::vector<CauseTime> ranked(const Taken& taken) {
  const auto sums = by_cause(taken.sums);
  std::vector<CauseTime> causes;
  for (uint32_t cause = 1; cause < kCauses; cause++)
    causes.push_back({static_cast<Cause>(cause), sums[cause]});
  const auto weight = [&](const CauseTime& one) {
    return std::pair(taken.counts(one),
                     one.cause == Cause::kUnknown ? one.ns / kUnknownWeighs : one.ns);
  };
  std::ranges::stable_sort(causes, std::greater{}, weight);
  return causes;
}

std::vector<KindTime> kinds_of(const Taken& taken, Cause cause) {
  std::vector<KindTime> kinds;
  for (const auto& rule : slowdown_rules())
    if (const auto ns = taken.of(rule.kind);
        ns != 0 && (cause == Cause::kNothing || rule.cause == cause))
      kinds.push_back({rule.kind, ns});
  std::ranges::stable_sort(kinds, std::greater{}, &KindTime::ns);
  return kinds;
}

}  // namespace

SlowdownRanking slowdown_ranking(const SlowdownSums& sums, uint64_t whole_ns, uint64_t wanted_ns) {
  const Taken taken{sums, whole_ns, wanted_ns};
  const auto causes = ranked(taken);
  SlowdownRanking ranking;
  if (taken.counts(causes[0])) ranking.first = causes[0];
  const auto second = std::ranges::find_if(causes, [&](const CauseTime& one) {
    return one.cause != ranking.first.cause && one.ns != 0;
  });
  if (second != causes.end()) ranking.second = *second;
  ranking.kinds = kinds_of(taken, ranking.first.cause);
  return ranking;
}

std::string cause_time_text(const CauseTime& cause, uint64_t whole_ns) {
  return fmt::format("{}, {} ({})", cause_name(cause.cause), share_text(cause.ns, whole_ns),
                     time_text(cause.ns));
}

}  // namespace vmflow
