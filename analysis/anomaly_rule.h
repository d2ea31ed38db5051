// SPDX-License-Identifier: GPL-2.0-only
// A rule: when a VM's flow is abnormal. Over any metric of the catalog that has the label vm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/baseline.h"
#include "analysis/metric_catalog.h"

namespace vmflow {

/// Series whose label has one of the values.
struct LabelMatch {
  std::string label;
  std::vector<std::string> values;
  bool operator==(const LabelMatch&) const = default;
};

enum class RuleReading {
  kRate,   ///< what is added a second
  kValue,  ///< the value itself
};

enum class RuleTest {
  kAbove,      ///< more than `threshold`
  kDeviation,  ///< more than the VM's own median, by `threshold` and by `mads` deviations
};

/// What is read is summed over the VM's series that match.
struct Rule {
  std::string name;  ///< snake_case: it is a label
  std::string what;  ///< what the VM then does, to follow its name: "waits for a CPU …"
  std::string why;   ///< one sentence: why the rule is there
  std::string metric;
  std::vector<LabelMatch> labels{};
  RuleReading reading = RuleReading::kRate;
  RuleTest test = RuleTest::kDeviation;
  double threshold = 0.1;  ///< of a deviation: the floor, since nothing deviates on a quiet VM
  double mads = 6;         ///< of a deviation: standard deviations, as the MAD estimates them
  double for_seconds = 3;  ///< how long, without a break
  double release = 0.8;    ///< it is over below this part of the way from usual to the threshold
  BaselineSpan span{};
  bool on = true;
};

/// The row of the catalog; nullptr if there is none.
const Metric* metric_of(const Rule& rule);

/// `metric{label="a|b"}`.
std::string selector_text(const Rule& rule);

/// What is wrong with a rule, as `field: what`; nullopt if nothing is.
std::optional<std::string> wrong_with(const Rule& rule);

}  // namespace vmflow
