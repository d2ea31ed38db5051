// SPDX-License-Identifier: GPL-2.0-only
// A libbabeltrace2 source component whose messages are Events.
#pragma once

#include <span>

#include "agent/sources/babeltrace.h"
#include "agent/trigger/ctf_plan.h"
#include "agent/trigger/ctf_writer.h"

namespace vmflow {

/// What the component sends; it outlives the graph.
struct CtfSourceData {
  std::span<const Event> events;
  const CtfPlan& plan;
  const CtfWriteOptions& options;
  std::string thrown;  ///< what went wrong there, if libbabeltrace2 does not know it
};

/// Adds the component, which has one output port. Errors: libbabeltrace2's.
Result<const bt_component_source*> add_ctf_source(bt_graph* graph, CtfSourceData& data);

}  // namespace vmflow
