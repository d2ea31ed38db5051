// SPDX-License-Identifier: GPL-2.0-only
// Watches the model, look by look, for VMs whose flow breaks a rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "analysis/anomaly_rule.h"
#include "analysis/flow_model.h"

namespace vmflow {

/// A VM that breaks a rule, with the numbers that say so.
/// Units: `value`, `threshold` and `usual` are the metric's, a second if it is read as a rate.
struct Finding {
  std::string rule;
  std::string vm;  ///< label
  std::string name;
  std::string metric;  ///< with its selector
  bool is_rate = false;
  double value = 0;  ///< mean since it began; of a gauge, now
  double threshold = 0;
  std::optional<Usual> usual;  ///< of a deviation, before it began
  double for_seconds = 0;
  uint64_t since_ns = 0;
  uint64_t now_ns = 0;
  std::string sentence;
};

struct RuleCount {
  std::string rule;
  uint64_t evaluations = 0;
  uint64_t findings = 0;
};

/// Threads: one at a time.
class AnomalyWatch {
 public:
  /// Rules that are off are left out. `rules` must be right: see wrong_with().
  explicit AnomalyWatch(std::vector<Rule> rules);

  /// What has come to break a rule since the last look: each break is told once, and again only
  /// after it was over. Shape: by VM in the model's order. Units: `now_ns` of any clock that does
  /// not step; a look at the time of the last one changes nothing.
  std::vector<Finding> look(const FlowModel& model, uint64_t now_ns);

  const std::vector<RuleCount>& counts() const { return counts_; }
  /// Pairs of VM and rule that something is remembered of.
  size_t remembered() const;

 private:
  /// One VM under one rule.
  struct Track {
    std::optional<double> last;
    uint64_t last_ns = 0;
    Baseline baseline;
    std::optional<uint64_t> since_ns;  ///< the rule is broken since then
    double since_value = 0;
    bool raised = false;  ///< told already
    std::optional<uint64_t> calm_since_ns;
    Usual before;  ///< what was usual when it began
  };
  struct Tracked {
    std::vector<Track> by_rule;
    uint64_t look = 0;
  };
  struct Prepared {
    Rule rule;
    const Metric* metric;
    size_t vm_position;
    std::vector<std::pair<size_t, std::vector<std::string>>> matches;  ///< by place of the label
  };
  struct Judged {
    double value, threshold, release;
  };

  using Readings = std::vector<std::optional<double>>;  ///< one of each VM, in the model's order

  std::vector<Readings> read(const FlowModel& model) const;
  std::optional<Finding> judge(size_t rule, Track& track, double reading, uint64_t now_ns);
  static std::optional<Judged> measure(const Rule& rule, Track& track, double value);
  static bool step(const Rule& rule, Track& track, const Judged& judged, uint64_t now_ns);
  static Finding describe(const Rule& rule, const Track& track, const Judged& judged,
                          double reading, uint64_t now_ns);

  std::vector<Prepared> rules_;
  std::vector<RuleCount> counts_;
  std::unordered_map<std::string, Tracked> vms_;
  uint64_t look_ = 0;
  uint64_t last_look_ns_ = 0;
};

}  // namespace vmflow
