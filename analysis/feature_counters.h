// SPDX-License-Identifier: GPL-2.0-only
// What features are made of: counters of a VM, each with its place in the model and on the page of
// metrics. Every source of features delivers these.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"

namespace vmflow {

enum class FeatureCounterKind {
  kTime,   ///< nanoseconds; on the page seconds
  kCount,  ///< things or bytes
  kGauge,  ///< what is now, 0 to 1
};

/// Shape: on the page it is the sum of the series of `metric` whose `label` is one of `values`;
/// of all its series where `label` is empty. Where the page has a VM in `metric`, a label that it
/// has not is 0, unless it `is_unknown_if_absent`.
struct FeatureCounter {
  std::string name;
  FeatureCounterKind kind = FeatureCounterKind::kCount;
  std::string_view metric;
  std::string_view label;
  std::vector<std::string_view> values;
  /// Absent: not known of this VM.
  std::function<std::optional<uint64_t>(const VmFlow&)> read;
  bool is_unknown_if_absent = false;
};

/// All of them: times by state first, which sum to the vCPU time.
std::span<const FeatureCounter> feature_counters();

/// How many of the first are times by state, unaccounted time among them.
constexpr size_t kFeatureStates = FLOW_STATES + 1;

/// The place of a counter. Errors: the number of counters if there is none of that name.
size_t feature_counter(std::string_view name);

/// The class of exits that a folded reason of either vendor belongs to; `other` if it is none.
std::string_view exit_class(std::string_view reason);
/// All classes, `other` last.
std::span<const std::string_view> exit_classes();

}  // namespace vmflow
