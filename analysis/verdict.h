// SPDX-License-Identifier: GPL-2.0-only
// Why a VM is slow, in one sentence with the numbers that say so.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "analysis/flow_model.h"
#include "analysis/slowdown.h"

namespace vmflow {

/// Who held the CPU while a VM was ready. Shape: `who` is empty if there is no name.
struct NamedCulprit {
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  std::string who;
  uint32_t pid = 0;
  uint64_t ns = 0;
};

/// The culprit in words: "batch-1", "backup (pid 77)", "nobody: the CPU was idle".
std::string culprit_text(const NamedCulprit& culprit);

/// Units: `cost_ns` is vCPU time that the cause took, of `of_ns` in all.
struct Verdict {
  Cause cause = Cause::kUnknown;
  uint64_t cost_ns = 0;
  uint64_t of_ns = 0;
  std::string sentence;
};

/// What hurts a VM most, from its sums over some time.
/// Shape:  a cost below 5 % of its vCPUs' time counts only if it is 1 % and a fifth of the time in
///         which the VM wanted a CPU.
/// Errors: none; without time, or if most is not accounted for, the cause is kUnknown.
Verdict verdict_of(const VmFlow& vm, std::span<const NamedCulprit> culprits);

}  // namespace vmflow
