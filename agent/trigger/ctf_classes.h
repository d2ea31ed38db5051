// SPDX-License-Identifier: GPL-2.0-only
// The trace that is written, as libbabeltrace2's objects: its clock, environment, contexts, and one
// class per event of the table.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "agent/sources/babeltrace.h"
#include "agent/sources/ctf_table.h"
#include "agent/trigger/ctf_writer.h"

namespace vmflow {

/// Places in the event's common context.
enum CtfContext : uint64_t { kContextPid, kContextTid, kContextName, kContextKvm };

struct CtfClasses {
  bt::ClockClass clock;
  bt::TraceClass trace_class;
  bt::StreamClass stream_class;
  bt::Trace trace;
  std::unordered_map<const CtfEvent*, bt::EventClass> events;
};

/// Errors: throws std::runtime_error, what libbabeltrace2 says.
CtfClasses make_ctf_classes(bt_self_component* self, const CtfWriteOptions& options);

}  // namespace vmflow
