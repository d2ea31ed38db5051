// SPDX-License-Identifier: GPL-2.0-only
// Events as a CTF 1.8 trace that babeltrace2 and Trace Compass know as a kernel trace.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>

#include "agent/result.h"
#include "agent/sources/ctf_table.h"
#include "agent/trigger/ctf_plan.h"
#include "analysis/event.h"

namespace vmflow {

struct CtfWriteOptions {
  /// CLOCK_REALTIME minus CLOCK_MONOTONIC; beside an LTTng trace its own. Units: nanoseconds.
  int64_t epoch_offset_ns = 0;
  /// The boot's id, from /proc/sys/kernel/random/boot_id: LTTng's clock has it too. Empty: none.
  std::string boot_id;
  std::string kernel_release;
  std::string hostname;  ///< empty: not told
  std::string trace_name = "vmflow";
  uint32_t major = 0, minor = 1, patch = 0;  ///< vmflow's version
  CtfCoverage coverage;
  ThreadNames names;  ///< of threads that no event names
  /// Names of the events that would have been recorded, had they happened: the trace itself
  /// declares only those that did. Empty: all that the table writes.
  std::set<std::string> recorded;
};

/// Writes `events`, in any order, into the new folder `path`, one stream per CPU. It is there
/// complete or not at all.
/// Units:  Event::ns is CLOCK_MONOTONIC.
/// Errors: `path` is there already or cannot be written, the disk is full.
/// Threads: as read_ctf_isolated(). It runs in a child, because libbabeltrace2's sink aborts its
///         process where it cannot write a trace's metadata.
Result<void> write_ctf(const std::string& path, std::span<const Event> events,
                       const CtfWriteOptions& options);

}  // namespace vmflow
