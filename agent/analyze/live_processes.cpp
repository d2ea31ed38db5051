// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/live_processes.h"

#include <algorithm>
#include <utility>

#include "analysis/flow_replay.h"

namespace vmflow {
namespace {

RecentProcesses processes_in(const RingReading& reading, uint64_t span_ns) {
  FlowReplay replay({.outs_told = true});
  const auto last_ns = reading.events.empty() ? 0 : reading.events.back().ns;
  const auto from_ns = std::max(reading.whole_from_ns(), last_ns - std::min(span_ns, last_ns));
  for (const auto& event : reading.events)
    if (event.ns >= from_ns) replay.step(event);
  const auto replayed = std::move(replay).finish();
  auto nested = nested_lives(replayed);
  auto processes = guest_processes(replayed, nested);
  return {.begin_ns = replayed.first_ns,
          .end_ns = replayed.last_ns,
          .vms = std::move(processes),
          .nested = std::move(nested)};
}

}  // namespace

std::shared_ptr<const RecentProcesses> LiveProcesses::look(const std::function<RingReading()>& ring,
                                                           uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (!seen_ || now_ns >= looked_ns_ + fresh_ns_) {
    seen_ = std::make_shared<const RecentProcesses>(processes_in(ring(), span_ns_));
    looked_ns_ = now_ns;
  }
  return seen_;
}

}  // namespace vmflow
