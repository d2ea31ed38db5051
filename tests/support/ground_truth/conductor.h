// SPDX-License-Identifier: GPL-2.0-only
// What happens to running vCPUs by the clock: stop flags, kicks, and the limit of the whole run.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>

namespace vmflow::ground_truth {

using SteadyClock = std::chrono::steady_clock;  // CLOCK_MONOTONIC

/// Ends the process with status 1 and one line on stderr, from any thread.
[[noreturn]] void die(const std::string& message);

/// One vCPU that is in its KVM_RUN loop.
struct Performance {
  pid_t tid = 0;
  std::uint64_t* stop_flag = nullptr;  // in guest memory
  std::optional<SteadyClock::time_point> stop_at;
  std::uint64_t kicks = 0;
};

/// Threads: vCPU threads call enter, leave and finished; conduct runs in one other thread.
class Conductor {
 public:
  using Ticket = std::list<Performance>::iterator;

  /// Kicks by SIGUSR1, for which it installs an empty handler, at multiples of `kick_every`.
  explicit Conductor(std::optional<std::chrono::milliseconds> kick_every);

  [[nodiscard]] Ticket enter(Performance performance);
  /// Returns how often the vCPU was kicked; none is kicked after it left.
  [[nodiscard]] std::uint64_t leave(Ticket ticket);
  /// A vCPU thread has nothing left to run.
  void finished();

  /// Serves the vCPUs until `threads` of them have finished.
  /// Errors: does not return, but ends the process, if that takes longer than `limit`.
  void conduct(std::size_t threads, std::chrono::seconds limit);

 private:
  SteadyClock::time_point next_event(SteadyClock::time_point deadline) const;
  void set_due_stop_flags(SteadyClock::time_point now);
  void kick_if_due(SteadyClock::time_point now);

  const std::optional<std::chrono::milliseconds> kick_every_;
  SteadyClock::time_point kick_at_;
  std::mutex mutex_;  // over what follows
  std::condition_variable changed_;
  std::list<Performance> running_;
  std::size_t finished_ = 0;
};

}  // namespace vmflow::ground_truth
