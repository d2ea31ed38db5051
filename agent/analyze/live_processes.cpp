// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/live_processes.h"

#include "analysis/flow_replay.h"

namespace vmflow {
namespace {

constexpr uint64_t kFreshNs = 2'000'000'000;

RecentProcesses processes_in(const RingReading& reading) {
  FlowReplay replay({.outs_told = true});
  const auto whole_from_ns = reading.whole_from_ns();
  for (const auto& event : reading.events)
    if (event.ns >= whole_from_ns) replay.step(event);
  const auto replayed = std::move(replay).finish();
  return {
      .begin_ns = replayed.first_ns, .end_ns = replayed.last_ns, .vms = guest_processes(replayed)};
}

}  // namespace

std::shared_ptr<const RecentProcesses> LiveProcesses::look(const std::function<RingReading()>& ring,
                                                           uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (!seen_ || now_ns >= looked_ns_ + kFreshNs) {
    seen_ = std::make_shared<const RecentProcesses>(processes_in(ring()));
    looked_ns_ = now_ns;
  }
  return seen_;
}

}  // namespace vmflow
