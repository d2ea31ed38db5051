// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/trace_recorders.h"

#include "agent/sources/ctf_events.h"
#include "agent/sources/ctf_table.h"

namespace vmflow {

Result<Recorders> find_recorders(const std::vector<std::string>& paths) {
  Recorders recorders;
  CtfReadOptions options;
  options.on_progress = [](const TraceContents&) { return false; };
  const auto contents = read_ctf_isolated(paths, options, [](const Event&) { return false; });
  if (!contents) return tl::unexpected(contents.error());
  for (const auto& trace : contents->traces) {
    auto& group = trace.tracer == kOwnTracer ? recorders.own : recorders.others;
    group.insert(group.end(), trace.paths.begin(), trace.paths.end());
  }
  return recorders;
}

}  // namespace vmflow
