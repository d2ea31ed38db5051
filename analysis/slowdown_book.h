// SPDX-License-Identifier: GPL-2.0-only
// What has slowed one VM down, second by second: counters that never fall, and the last minute.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "analysis/slowdown.h"
#include "analysis/slowdown_rules.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// Between two marks, from any of which the last minute may begin.
constexpr uint64_t kSlowdownMarkNs = 5'000'000'000;
constexpr uint64_t kSlowdownWindowNs = 60'000'000'000;

/// A VM as a look has found it. Units: `now_ns` is CLOCK_MONOTONIC.
/// Shape: `taken` is empty if the look has not read who took what.
struct SlowdownLook {
  uint64_t now_ns = 0;
  SlowdownPoint point;
  std::optional<GuestContention> processes;
  std::vector<TakenTime> taken;
};

/// Who took what, by victim.
std::map<VmKey, std::vector<TakenTime>> taken_by_victim(const Snapshot& snapshot);

/// `vm` is what the snapshot has come to for the VM `key`, from which was `taken` what is told of
/// it.
SlowdownLook slowdown_look(const Snapshot& snapshot, const VmKey& key, const VmFlow& vm,
                           std::vector<TakenTime> taken);

/// Shape: rules see at least a second at a time, so that what they find does not hang on how often
///        somebody looks; a disk's time is theirs once a request has ended, or after ten seconds.
class SlowdownBook {
 public:
  void take_in(SlowdownLook look);
  SlowdownFlow flow() const;

 private:
  /// Where a window may begin.
  struct Mark {
    uint64_t now_ns = 0;
    uint64_t whole_ns = 0;
    uint64_t wanted_ns = 0;
    SlowdownSums total_ns{};
    std::vector<TakenTime> taken;
  };
  void keep_mark(SlowdownLook& look);

  bool began_ = false;
  uint64_t last_ns_ = 0;
  uint64_t disk_since_ns_ = 0;
  SlowdownPoint last_;  ///< of its disk, as of `disk_since_ns_`
  bool processes_told_ = false;
  SlowdownSums total_ns_{};
  uint64_t whole_ns_ = 0;
  uint64_t wanted_ns_ = 0;
  std::deque<Mark> marks_;  ///< the oldest first
};

}  // namespace vmflow
