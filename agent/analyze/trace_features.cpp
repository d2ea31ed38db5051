// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/trace_features.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/analyze/trace_analysis.h"
#include "agent/analyze/trace_recorders.h"
#include "agent/sources/ctf_events.h"
#include "analysis/feature_windows.h"
#include "analysis/flow_replay.h"

namespace vmflow {
namespace {

// Of all vCPUs, 40 bytes each.
constexpr uint64_t kMostIntervals = 8'000'000;

IdentitiesByProcess identities_of(const std::optional<AggregateWindow>& aggregate) {
  IdentitiesByProcess identities;
  if (!aggregate) return identities;
  for (const auto& [key, identity] : aggregate->last.identities)
    identities.emplace(key.tgid, identity);
  return identities;
}

struct Replayed {
  ReplayResult result;
  TraceContents contents;
};

Result<Replayed> replayed(const Recorders& recorders, Vendor vendor, uint64_t every_ns) {
  ReplayOptions options;
  options.vendor = vendor;
  options.outs_told = !recorders.own.empty();
  options.max_intervals = kMostIntervals;
  options.max_samples = 0;  // who ran inside is not asked
  options.count_every_ns = every_ns;
  FlowReplay replay(options);
  uint64_t whole_from_ns = 0;
  CtfReadOptions reading;
  // The first time before any event.
  reading.on_progress = [&](const TraceContents& contents) {
    for (const auto& trace : contents.traces)
      whole_from_ns = std::max(whole_from_ns, trace.whole_from_ns);
    return true;
  };
  auto contents = read_ctf_isolated(recorders.best(), reading, [&](const Event& event) {
    if (event.ns >= whole_from_ns) replay.step(event);
    return true;
  });
  if (!contents) return tl::unexpected(contents.error());
  return Replayed{std::move(replay).finish(), std::move(*contents)};
}

Result<void> check_kept(const ReplayResult& result, uint64_t every_ns) {
  const uint64_t span_ns = result.last_ns - std::min(result.first_ns, result.last_ns);
  if (result.counts_left_out || span_ns / every_ns > kMostWindows)
    return failure("more windows than can be kept: take a longer --every");
  uint64_t intervals = 0;
  for (const auto& vcpu : result.vcpus) intervals += vcpu.intervals.size();
  if (intervals >= kMostIntervals)
    return failure(fmt::format("the trace has more than {} intervals of vCPUs: take a shorter one",
                               kMostIntervals));
  return {};
}

void note(TraceFeatures& features, const std::string& host, const Replayed& replay) {
  const auto lost = discarded_events(replay.contents), packets = discarded_packets(replay.contents);
  if (lost + packets > 0)
    features.notes.push_back(
        fmt::format("{}: the trace lost {} events and {} packets: what they "
                    "held is missing from the features",
                    host, lost, packets));
  if (!replay.result.vocabulary.halt_ends)
    features.notes.push_back(
        fmt::format("{}: no event tells how long KVM has polled: halt_poll_ratio and "
                    "halt_poll_waste_ratio are not known, root_ratio has it",
                    host));
  features.notes.push_back(
      fmt::format("{}: a trace tells no disk requests and no packets: disk_* "
                  "and net_* are not known",
                  host));
}

}  // namespace

Result<TraceFeatures> trace_features(const std::string& host, const std::vector<std::string>& paths,
                                     uint64_t every_ns) {
  const auto aggregate = aggregate_beside(paths);
  if (!aggregate) return tl::unexpected(aggregate.error());
  const auto recorders = find_recorders(paths);
  if (!recorders) return tl::unexpected(recorders.error());
  const auto vendor = *aggregate ? (*aggregate)->last.host.vendor : Vendor::kNone;
  const auto replay = replayed(*recorders, vendor, every_ns);
  if (!replay) return tl::unexpected(replay.error());
  if (auto kept = check_kept(replay->result, every_ns); !kept) return tl::unexpected(kept.error());
  const auto& traces = replay->contents.traces;
  TraceFeatures features;
  features.table = feature_table(replay->result, identities_of(*aggregate),
                                 {.every_ns = every_ns,
                                  .epoch_ns = traces.empty() ? 0 : traces.front().clock.offset_ns,
                                  .host = host});
  note(features, host, *replay);
  return features;
}

}  // namespace vmflow
