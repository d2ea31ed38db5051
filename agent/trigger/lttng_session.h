// SPDX-License-Identifier: GPL-2.0-only
// The life of vmflow's one LTTng session: made, watched, made again when the daemon was restarted,
// grown until it holds the wanted time, saved, and never left behind.
//
// The agent starts no lttng-sessiond: it is a daemon of the host (Debian: lttng-tools brings the
// service), runs as root, serves other users too and outlives any agent; one that we started would
// have to be ended by us, under whoever uses it by then.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/sources/monotonic_clock.h"
#include "agent/trigger/buffer_size.h"
#include "agent/trigger/lttng_control.h"
#include "agent/trigger/lttng_events.h"

namespace vmflow {

enum class TraceMode {
  off,
  on_trigger,  ///< records from the trigger on; nothing is in the kernel before
  flight,      ///< always records; a trigger saves what was before it
};

struct LttngOptions {
  TraceMode mode = TraceMode::flight;
  std::chrono::seconds wanted_span{15};          ///< that the buffers of `flight` hold
  std::chrono::milliseconds record_time{10000};  ///< of `on_trigger`
  uint64_t first_bytes_per_cpu = 4 << 20;        ///< before the rate is known
  uint64_t most_bytes = uint64_t{1} << 30;       ///< of all CPUs' buffers together
  uint32_t cpus = 1;                             ///< that the kernel may have (configured ones)
  Overflow overflow = Overflow::overwrite;
  /// Where samples of the rate are written for a moment: a folder that lttng-sessiond sees too, so
  /// no private /tmp. Empty: the rate is known only from what is saved.
  std::filesystem::path scratch{};
  std::string proc = "/proc";
  std::function<uint64_t()> now_ns = monotonic_ns;  ///< CLOCK_MONOTONIC
};

/// For metrics and logs.
struct LttngState {
  LttngBackend backend = LttngBackend::none;
  std::string reason;                ///< why it is not all; one line, empty if it is
  std::vector<std::string> missing;  ///< events
  bool recording = false;
  uint64_t buffer_bytes = 0;    ///< of all CPUs
  double bytes_per_second = 0;  ///< of the busiest CPU, as last measured; 0: not yet
  double span_seconds = 0;      ///< that the buffers hold at that rate; 0: not yet known
  uint64_t restarts = 0;        ///< sessions made again because the daemon had lost them
  uint64_t resizes = 0;         ///< sessions made again with larger buffers
  uint64_t failures = 0;        ///< calls that failed
};

struct LttngSnapshot {
  std::filesystem::path trace;  ///< the folder with the metadata
  uint64_t bytes = 0;
  uint64_t first_ns = 0;  ///< CLOCK_MONOTONIC: from here on every CPU's events are there
  uint64_t last_ns = 0;
  uint64_t lost_events = 0;
  uint64_t lost_packets = 0;  ///< overwritten while they were saved: their events are not counted
};

/// Threads: state() from any, the rest from one, which must be allowed to wait for seconds: a
/// daemon that hangs costs each call its deadline.
class LttngSession {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LttngSession(std::unique_ptr<LttngControl> control, LttngOptions options);
  LttngSession(const LttngSession&) = delete;
  LttngSession& operator=(const LttngSession&) = delete;
  ~LttngSession();

  /// Looks when it is due: removes sessions of vmflow processes that have ended, finds out what can
  /// be traced, records if it should and does not, measures the rate. Once a second is enough.
  void tick(Time now);

  /// Saves below `folder`, which exists; on_trigger: after recording for its time, or until `stop`.
  /// Errors: nothing to save, the disk, the daemon; nothing is left in the folder then.
  Result<LttngSnapshot> snapshot(const std::filesystem::path& folder, const std::stop_token& stop);

  /// Ends the session. Errors: the daemon does not; the next agent will remove it.
  Result<void> stop();

  LttngState state() const;

 private:
  /// Our session in the daemon, as far as is known.
  enum class Own {
    absent,
    doubtful,  ///< half made, or of a call that was given up
    complete,
  };

  void look(Time now);
  Result<void> prepare(const std::vector<std::string>& sessions);
  Result<void> begin();
  void measure(Time now);
  Result<void> grow();
  void set_rate(double bytes_per_second);
  void fail(const Error& error, Time now);
  Result<LttngSnapshot> save(const std::filesystem::path& folder, uint64_t most_bytes);
  Result<void> check_space(const std::filesystem::path& folder, uint64_t bytes) const;
  uint64_t limit_per_cpu() const;

  const std::unique_ptr<LttngControl> control_;
  const LttngOptions options_;
  std::string name_;
  BufferSize size_;
  uint64_t started_ns_ = 0;  ///< its packets begin when buffers are made, its events then
  LttngChoice choice_;
  bool prepared_ = false;  ///< what can be traced is known, of the present daemon
  Own own_ = Own::absent;
  bool made_once_ = false;
  uint32_t samples_ = 0;  ///< of the rate, since the session was made
  Time next_look_{};
  Time next_sample_{};
  std::chrono::seconds back_off_{0};

  mutable std::mutex mutex_;
  LttngState state_;  // mutex_
};

}  // namespace vmflow
