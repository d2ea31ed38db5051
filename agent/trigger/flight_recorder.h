// SPDX-License-Identifier: GPL-2.0-only
// The ladder of recorders: LTTng with the kernel side's ring, LTTng's scheduler events with the
// ring, the ring alone. Which rung it stands on is looked at anew every second, so that a daemon
// that goes or comes is told at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/config.h"
#include "agent/sources/aggregate_file.h"
#include "agent/sources/ring_events.h"
#include "agent/trigger/lttng_session.h"
#include "agent/trigger/trace_recorder.h"

namespace vmflow {

/// What the agent's kernel side gives to a recorder. Threads: all from any.
struct LiveSide {
  /// All slots as of now; nullopt while nothing is attached.
  std::function<std::optional<Snapshot>()> look;
  /// The oldest look that was kept and lies behind `ns`; nullopt if there is none.
  std::function<std::optional<Snapshot>(uint64_t ns)> look_after;
  /// The ring as of now; empty without one.
  std::function<RingReading()> ring;
  std::function<void(bool)> set_recording;
  /// These at once, whatever the agent does. False: recording costs more than it may now.
  std::function<bool()> may_record = [] { return true; };
  /// Units: nanoseconds that the ring reaches back, bytes
  /// of its records.
  std::function<bool()> has_ring;
  std::function<uint64_t()> ring_span_ns;
  std::function<uint64_t()> ring_bytes;
};

struct FlightOptions {
  TraceMode mode = TraceMode::flight;
  std::chrono::milliseconds record_time{10'000};  ///< of on_trigger
  std::string kernel = {};                        ///< its release, for the trace
  std::string hostname = {};                      ///< for the trace
  bool packets = false;                           ///< the ring has them
};

class FlightRecorder : public TraceRecorder {
 public:
  /// `lttng` may be empty: the ring alone.
  FlightRecorder(LiveSide live, std::unique_ptr<LttngSession> lttng, FlightOptions options);
  ~FlightRecorder() override;

  Result<RecordedTrace> save(const std::filesystem::path& folder) override;
  void cancel() noexcept override;
  std::string backend() const override;
  std::vector<BackendState> backends() const override;
  std::vector<RecorderSpan> spans() const override;
  uint64_t expected_bytes() const override;

 private:
  void keep_looking(const std::stop_token& stop);
  void tell_rung();
  bool has_ring() const;
  /// Its events from `from_ns` on. Returns from where on it is whole; 0: it holds none.
  Result<uint64_t> save_ring(const std::filesystem::path& folder, uint64_t from_ns,
                             RecordedTrace& trace);
  /// Returns from where on it is whole; 0: LTTng records nothing.
  Result<uint64_t> save_lttng(const std::filesystem::path& folder, RecordedTrace& trace);
  Result<void> save_aggregate(const std::filesystem::path& folder, AggregateWindow window);
  std::optional<Snapshot> begin_of_window(uint64_t ring_from_ns, uint64_t lttng_from_ns) const;

  const LiveSide live_;
  const std::unique_ptr<LttngSession> lttng_;
  const FlightOptions options_;
  std::mutex lttng_mutex_;  // one caller of lttng_ at a time
  mutable std::mutex told_mutex_;
  std::string told_;  // the rung that was logged last
  std::stop_source cancelled_;
  std::jthread looking_;  // the last: it uses the others
};

/// The recorder that the settings ask for.
std::unique_ptr<TraceRecorder> make_recorder(const TraceConfig& config, LiveSide live);

}  // namespace vmflow
