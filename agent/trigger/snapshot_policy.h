// SPDX-License-Identifier: GPL-2.0-only
// Whether a snapshot that is asked for is taken. Pure: time is an argument, room is told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "analysis/trace_flow.h"

namespace vmflow {

/// Units: nanoseconds of any clock that does not step.
struct PolicyLimits {
  uint64_t cool_down_ns = 300'000'000'000;        ///< per trigger and VM
  uint64_t manual_cool_down_ns = 10'000'000'000;  ///< the same, for what a person asks
  uint32_t per_hour = 20;                         ///< of all together
  bool off = false;                               ///< refuses everything
};

/// Is there room for one more? kQuota or kDisk if not.
using Room = std::optional<Refusal>;

/// Threads: one at a time. Shape: remembers what a cool-down or the hour can still ask for, so no
/// more than `per_hour` by the longer of the two.
class SnapshotPolicy {
 public:
  explicit SnapshotPolicy(const PolicyLimits& limits) : limits_(limits) {}

  /// nullopt: taken, and it is busy until done().
  std::optional<Refusal> ask(const std::string& trigger, const std::string& vm, bool manual,
                             uint64_t now_ns, const Room& room);
  void done() { busy_ = false; }
  bool busy() const { return busy_; }
  size_t remembered() const { return last_.size() + hour_.size(); }

  /// How long until a refusal for the cool-down or the rate would be none. Units: nanoseconds.
  uint64_t wait_ns(const std::string& trigger, const std::string& vm, bool manual,
                   uint64_t now_ns) const;

 private:
  void forget(uint64_t now_ns);
  uint64_t cool_down_left(const std::string& trigger, const std::string& vm, bool manual,
                          uint64_t now_ns) const;

  PolicyLimits limits_;
  bool busy_ = false;
  std::map<std::pair<std::string, std::string>, uint64_t> last_;  // by trigger and VM
  std::deque<uint64_t> hour_;
};

}  // namespace vmflow
