// SPDX-License-Identifier: GPL-2.0-only
// Recorded traces as Events.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/event.h"
#include "analysis/trace_contents.h"

namespace vmflow {

struct CtfReadOptions {
  /// Called when the traces are known and then about every 100,000 messages, with what was read so
  /// far; false: stop. May be empty.
  std::function<bool(const TraceContents&)> on_progress;
  /// A trace that claims more is broken. Units: messages, of use or not.
  uint64_t most_messages = 4'000'000'000;
};

/// Takes the next event. False: stop; the contents are `interrupted` then.
using EventSink = std::function<bool(const Event&)>;

/// Reads all CTF traces in and below `paths`, merged in time order.
/// Units:  Event::ns is what the trace's clock said, without its offset to the epoch: of LTTng's
/// and
///         vmflow's traces CLOCK_MONOTONIC.
/// Errors: one sentence that names the trace: no trace, no rights, not what CTF should be, traces
///         whose clocks are not the same.
/// Threads: any one. libbabeltrace2 may crash or hang on a broken trace: for what vmflow did not
///         write itself, see read_ctf_isolated().
Result<TraceContents> read_ctf(const std::vector<std::string>& paths, const CtfReadOptions& options,
                               const EventSink& sink);

/// What the process that reads may take.
struct IsolationLimits {
  uint64_t memory_bytes = 1ull << 30;  ///< beyond what this process has now
  std::chrono::seconds cpu{3600};
  std::chrono::milliseconds silence{30'000};  ///< without an event or progress it hangs
};

/// The same in a child process: whatever a broken trace does to libbabeltrace2 ends in one error.
/// The child has none of this process' files, cannot write any, and dies with this process.
/// Threads: other threads may run, if none of them uses libbabeltrace2 or GLib: the child continues
///         from a copy of this one thread, in which glibc's own locks are free.
Result<TraceContents> read_ctf_isolated(const std::vector<std::string>& paths,
                                        const CtfReadOptions& options, const EventSink& sink,
                                        const IsolationLimits& limits = {});

}  // namespace vmflow
