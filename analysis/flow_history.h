// SPDX-License-Identifier: GPL-2.0-only
// What each VM has done lately, second by second: the past that a finding needs. Bounded, in
// memory.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/flow_model.h"

namespace vmflow {

/// Names of what is kept of a VM: `state.ready`, `wait.timer`, `exits` …
const std::vector<std::string>& history_columns();

/// One second of one VM.
/// Shape:  `rate` is in the order of history_columns().
/// Units:  `rate` is a second: seconds of vCPU time, or a count; `from_ns` and `to_ns` as the
///         model's.
struct HistoryRow {
  uint64_t from_ns = 0;
  uint64_t to_ns = 0;
  std::vector<float> rate;
};

struct VmHistory {
  std::string name;
  std::deque<HistoryRow> rows;  ///< the oldest first
};

/// Threads: one at a time; a copy is a value.
class FlowHistory {
 public:
  /// More VMs than that are not remembered but counted.
  static constexpr size_t kMostVms = 1024;

  explicit FlowHistory(uint64_t span_ns = 120'000'000'000) : span_ns_(span_ns) {}

  /// Adds what happened since the last look and forgets what is older than the span. A VM whose
  /// counters have fallen starts again; one that has gone is kept until its last row is too old.
  void add(const FlowModel& model);

  /// Was it there at the last look?
  bool is_live(const std::string& label) const { return last_.contains(label); }
  const std::map<std::string, VmHistory>& vms() const { return vms_; }
  uint64_t span_ns() const { return span_ns_; }
  uint64_t now_ns() const { return now_ns_; }
  /// VMs of the last look that found no place.
  uint64_t left_out() const { return left_out_; }

 private:
  struct Last {
    uint64_t ns = 0;
    std::vector<uint64_t> totals;
  };

  uint64_t span_ns_;
  uint64_t now_ns_ = 0;
  uint64_t left_out_ = 0;
  std::map<std::string, VmHistory> vms_;  // by label
  std::map<std::string, Last> last_;
};

/// What a VM did on average in a part of its history.
struct HistoryMean {
  uint64_t from_ns = 0;
  uint64_t to_ns = 0;
  std::vector<double> rate;  ///< in the order of history_columns(); empty if nothing is known
};

/// Over the rows that lie in between. Units: as the rows'.
HistoryMean mean_of(const VmHistory& history, uint64_t from_ns, uint64_t to_ns);

}  // namespace vmflow
