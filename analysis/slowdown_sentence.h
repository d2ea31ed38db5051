// SPDX-License-Identifier: GPL-2.0-only
// What took a VM's time, in words with the numbers that say so: one sentence for each kind.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "analysis/flow_model.h"
#include "analysis/shown_name.h"
#include "analysis/slowdown_point.h"
#include "analysis/slowdown_ranking.h"

namespace vmflow {

/// What the sentences are made of. Shape: `point` is the VM's; `sums` is what its kinds took, and
/// `as_own` the same with its own load told from contention inside it.
struct SentenceFacts {
  const VmFlow& vm;
  std::span<const NamedCulprit> culprits;
  SlowdownPoint point;
  SlowdownSums sums{};
  SlowdownSums as_own{};

  uint64_t of(SlowdownKind kind) const { return sums[static_cast<uint32_t>(kind)]; }
  uint64_t own(SlowdownKind kind) const { return as_own[static_cast<uint32_t>(kind)]; }
};

/// Units: of the time that the text gives, `told_ns` is what the kind or all of it took.
struct KindSentence {
  uint64_t told_ns = 0;
  std::string text;
};

/// Why the VM is slow, by the kind that took most. Errors: none; a kind without words of its own
/// has those of slowdown_rules().
KindSentence slowdown_sentence(const SentenceFacts& facts, const KindTime& took);

/// Of a VM that nothing slows.
std::string unhurt_sentence(const SentenceFacts& facts);

/// Does KVM report no VM entry nor VM exit of a VM that uses a CPU?
bool is_blind(const SentenceFacts& facts);

}  // namespace vmflow
