// SPDX-License-Identifier: GPL-2.0-only
// What recorded traces hold, and what they lack: values only, whoever has read them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace vmflow {

/// The clock that a trace's events were stamped with.
/// Units: `offset_ns` is what must be added to get nanoseconds since the epoch.
struct TraceClock {
  std::string name;
  std::string uuid;  ///< LTTng and vmflow write the boot's id here; empty: not told
  uint64_t frequency = 0;
  int64_t offset_ns = 0;

  /// CLOCK_MONOTONIC in nanoseconds: what the live side counts with.
  bool is_monotonic() const { return name == "monotonic" && frequency == 1'000'000'000; }
  bool operator==(const TraceClock&) const = default;
};

/// One trace: the folders that belong to it, what they say of themselves, what was read from them.
/// Units: first_ns, last_ns as Event::ns; 0 if there are no events.
struct TraceReading {
  std::vector<std::string> paths;  ///< more than one: snapshots of the same recording
  std::string uuid;
  std::string tracer;  ///< lttng-modules, vmflow, …
  std::string tracer_version;
  std::string hostname;  ///< of the host it was recorded on; empty: not told
  TraceClock clock;
  bool tells_tid = false;                     ///< every event says which thread
  bool tells_tgid = false;                    ///< and which process
  std::set<std::string> declared;             ///< names of events that the trace could hold
  std::map<std::string, uint64_t> events;     ///< read, by name
  std::map<std::string, uint64_t> unused;     ///< of no use to vmflow, by name
  std::map<std::string, uint64_t> misshapen;  ///< known names whose fields are not what they were
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  /// Since when the buffers of all CPUs reach: before, events of some are missing. 0: not told.
  uint64_t whole_from_ns = 0;
  uint64_t discarded_events = 0;
  uint64_t discarded_packets = 0;
  /// Places where events were lost and nobody counted how many: in LTTng's snapshots often before
  /// their first event.
  uint64_t uncounted_losses = 0;
};

struct TraceContents {
  std::vector<TraceReading> traces;
  uint64_t events = 0;        ///< handed on
  uint64_t out_of_order = 0;  ///< of them, older than the one before
  uint64_t without_cpu = 0;   ///< of them, told no CPU; they count for CPU 0
  bool interrupted = false;   ///< the reader did not want the rest
};

/// All clocks are CLOCK_MONOTONIC of one boot: times may be held against the live side's.
bool has_live_clock(const TraceContents& contents);

/// What the traces lack, each with the result that it costs: "no sched_waking: …".
std::vector<std::string> missing(const TraceContents& contents);

/// Sums over all traces.
uint64_t discarded_events(const TraceContents& contents);
uint64_t discarded_packets(const TraceContents& contents);

}  // namespace vmflow
