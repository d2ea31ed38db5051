// SPDX-License-Identifier: GPL-2.0-only
// What of the two sides can be compared at all, given which events a trace holds. Inside crosscheck
// only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "analysis/crosscheck.h"

namespace vmflow {

/// What one side cannot tell apart counts as one.
struct ComparedGroup {
  std::string name;
  std::vector<uint32_t> members;
};

/// All of flow_state, and FLOW_UNKNOWN.
std::vector<ComparedGroup> compared_states(const ReplayVocabulary& told);
/// All of flow_wake_kind; none if waits are not compared.
std::vector<ComparedGroup> compared_waits(const ReplayVocabulary& told);
/// In sentences.
std::vector<std::string> left_out_of(const ReplayVocabulary& told, const TraceLosses& losses);

}  // namespace vmflow
