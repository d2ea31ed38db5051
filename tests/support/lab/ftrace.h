// SPDX-License-Identifier: GPL-2.0-only
// The kernel's own record of a run: a second source for what the scheduler did.
#pragma once

#include <string>
#include <vector>

namespace vmflow::lab {

/// A tracefs instance of its own, with the scheduler's `events` on the monotonic clock, until
/// destroyed.
class Ftrace {
 public:
  /// Errors: throws if an event cannot be enabled.
  explicit Ftrace(const std::vector<std::string>& events);
  ~Ftrace();

  /// All lines so far; the record goes on.
  std::string lines() const;
  void stop();
  /// Events that the buffers could not hold.
  long lost() const;
};

/// When thread `tid` ended, CLOCK_MONOTONIC in seconds, by its sched_process_exit. Errors: throws
/// if it is not there.
double exit_seconds(const std::string& lines, int tid);

}  // namespace vmflow::lab
