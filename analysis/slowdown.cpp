// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/slowdown.h"

#include "analysis/slowdown_rules.h"

namespace vmflow {

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::kNothing:
      return "nothing";
    case Cause::kOwnLoad:
      return "own load";
    case Cause::kInsideVm:
      return "contention inside the VM";
    case Cause::kOtherVm:
      return "co-located VM";
    case Cause::kPlatform:
      return "platform";
    case Cause::kUnknown:
      break;
  }
  return "unknown";
}

std::string_view cause_label(Cause cause) {
  switch (cause) {
    case Cause::kNothing:
      return "nothing";
    case Cause::kOwnLoad:
      return "own_load";
    case Cause::kInsideVm:
      return "guest_contention";
    case Cause::kOtherVm:
      return "colocated_vm";
    case Cause::kPlatform:
      return "platform";
    case Cause::kUnknown:
      break;
  }
  return "unknown";
}

CauseSums by_cause(const SlowdownSums& sums) {
  CauseSums causes{};
  for (const auto& rule : slowdown_rules())
    causes[static_cast<uint32_t>(rule.cause)] += sums[static_cast<uint32_t>(rule.kind)];
  return causes;
}

uint64_t limited_by_itself_ns(const SlowdownSums& sums) {
  const auto causes = by_cause(sums);
  return causes[static_cast<uint32_t>(Cause::kOwnLoad)] +
         causes[static_cast<uint32_t>(Cause::kInsideVm)] +
         sums[static_cast<uint32_t>(SlowdownKind::kUntold)] -
         sums[static_cast<uint32_t>(SlowdownKind::kExitStorm)];
}

}  // namespace vmflow
