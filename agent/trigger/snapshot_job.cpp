// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_job.h"

#include <utility>

#include "exporters/snapshot_json.h"

namespace vmflow {
namespace {

constexpr const char* kTraceFolder = "trace";

/// Into `facts`: the trace, or why there is none.
Result<void> save_trace(const PendingSnapshot& pending, TraceRecorder& recorder,
                        SnapshotFacts& facts) {
  const auto folder = pending.make_folder(kTraceFolder);
  if (!folder) return tl::unexpected(folder.error());
  facts.backend = recorder.backend();
  if (auto trace = recorder.save(*folder); trace) {
    facts.trace = std::move(*trace);
    for (auto& part : facts.trace.parts) part = std::string(kTraceFolder) + "/" + part;
  } else {
    facts.trace_error = trace.error().message;
  }
  if (facts.trace.parts.empty()) pending.remove_folder(kTraceFolder);
  return {};
}

SnapshotFacts facts_of(const SnapshotJob& job) {
  SnapshotFacts facts;
  facts.id = job.id;
  facts.trigger = job.request.trigger;
  facts.reason = job.request.reason;
  facts.vm = job.request.vm;
  facts.name = job.request.name;
  facts.finding = job.request.finding;
  facts.asked_ns = job.asked_ns;
  facts.asked_unix_seconds = job.asked_unix_seconds;
  return facts;
}

}  // namespace

Result<TakenSnapshot> take_snapshot(SnapshotStore& store, TraceRecorder& recorder,
                                    const SnapshotJob& job,
                                    const std::function<SnapshotContext()>& context) {
  auto pending = store.begin(job.id, recorder.expected_bytes());
  if (!pending) return tl::unexpected(pending.error());
  auto facts = facts_of(job);
  if (auto saved = save_trace(*pending, recorder, facts); !saved)
    return tl::unexpected(saved.error());
  auto around = context();
  facts.taken_ns = around.now_ns;
  facts.host = std::move(around.host);
  facts.version = std::move(around.version);
  facts.revision = std::move(around.revision);
  for (const auto& [name, text] : {std::pair(kHistoryFile, history_json(around.history)),
                                   std::pair(kFindingFile, finding_json(facts, around.history))})
    if (auto written = pending->write(name, text); !written) return tl::unexpected(written.error());
  auto stored = store.complete(std::move(*pending));
  if (!stored) return tl::unexpected(stored.error());
  return TakenSnapshot{*stored, std::move(facts)};
}

}  // namespace vmflow
