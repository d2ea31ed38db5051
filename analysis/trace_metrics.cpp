// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: triggers, and the snapshots that they have led to.
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"
#include "analysis/trace_flow.h"

namespace vmflow {
namespace {

template <typename Read>
void per_trigger(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& trigger : model.trace.triggers) samples.add({trigger.name}, read(trigger));
}

template <typename Read>
void per_backend(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& backend : model.trace.backends) samples.add({backend.name}, read(backend));
}

void evaluations(const FlowModel& model, SampleSink& samples) {
  per_trigger(model, samples, [](const auto& trigger) { return number(trigger.evaluations); });
}

void fired(const FlowModel& model, SampleSink& samples) {
  per_trigger(model, samples, [](const auto& trigger) { return number(trigger.fired); });
}

void suppressed(const FlowModel& model, SampleSink& samples) {
  for (const auto& trigger : model.trace.triggers)
    for (uint32_t i = 0; i < kRefusals; i++)
      samples.add({trigger.name, refusal_name(static_cast<Refusal>(i))},
                  number(trigger.suppressed[i]));
}

void last_snapshot(const FlowModel& model, SampleSink& samples) {
  for (const auto& trigger : model.trace.triggers)
    if (trigger.last_snapshot_unix_seconds > 0)
      samples.add({trigger.name}, trigger.last_snapshot_unix_seconds);
}

void snapshots(const FlowModel& model, SampleSink& samples) {
  per_backend(model, samples, [](const auto& backend) { return number(backend.snapshots); });
}

void failures(const FlowModel& model, SampleSink& samples) {
  per_backend(model, samples, [](const auto& backend) { return number(backend.failures); });
}

void events_lost(const FlowModel& model, SampleSink& samples) {
  per_backend(model, samples, [](const auto& backend) { return number(backend.events_lost); });
}

void written_bytes(const FlowModel& model, SampleSink& samples) {
  per_backend(model, samples, [](const auto& backend) { return number(backend.written_bytes); });
}

void available(const FlowModel& model, SampleSink& samples) {
  per_backend(model, samples, [](const auto& backend) { return backend.available ? 1.0 : 0.0; });
}

void stored_bytes(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.trace.stored_bytes));
}

void stored_snapshots(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.trace.stored_snapshots));
}

void trace_info(const FlowModel& model, SampleSink& samples) {
  for (const auto& link : model.trace.links)
    samples.add({link.vm, link.snapshot, link.trigger}, 1.0);
}

void spans(const FlowModel& model, SampleSink& samples) {
  for (const auto& span : model.trace.spans)
    if (span.seconds > 0) samples.add({span.recorder}, span.seconds);
}

void analyses(const FlowModel& model, SampleSink& samples) {
  samples.add({"done"}, number(model.trace.analyses.done));
  samples.add({"failed"}, number(model.trace.analyses.failed));
}

void analysis_seconds(const FlowModel& model, SampleSink& samples) {
  samples.add({}, model.trace.analyses.seconds);
}

void analysed_events(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.trace.analyses.events));
}

void disagreements(const FlowModel& model, SampleSink& samples) {
  for (const auto& row : model.trace.analyses.disagreements) samples.add({row.quantity}, row.ratio);
}

std::vector<Metric> analysis_rows() {
  return {
      {"vmflow_trace_buffer_span_seconds",
       kGauge,
       {"recorder"},
       "How far back what would be saved now reaches; absent while it is not known.",
       kNow,
       "of LTTng at the rate that was measured last",
       spans},
      {"vmflow_trace_analyses_total",
       kCounter,
       {"result"},
       "Snapshots whose traces were analysed after they were taken.",
       kAgent,
       kExact,
       analyses},
      {"vmflow_trace_analysis_seconds_total",
       kCounter,
       {},
       "Time that took, all together.",
       kAgent,
       kExact,
       analysis_seconds},
      {"vmflow_trace_analysed_events_total",
       kCounter,
       {},
       "Events that were read for it.",
       kAgent,
       kExact,
       analysed_events},
      {"vmflow_fusion_disagreement_ratio",
       kGauge,
       {"quantity"},
       "How far the counters and the trace of the latest snapshot differ over the same window, "
       "where they differ most: "
       "exits, exit_seconds, state_seconds, waits, ready_seconds, and exits_lttng against LTTng's "
       "own count. Agreement is "
       "0.01 for times, of the time itself or of a tenth of the window; one event at each edge for "
       "counts.",
       kNow,
       "what one side cannot see is left out; the report says what",
       disagreements},
  };
}

std::vector<Metric> trigger_rows() {
  return {
      {"vmflow_trigger_evaluations_total",
       kCounter,
       {"trigger"},
       "Times that a rule was held against a VM.",
       kAgent,
       "0 for triggers that are no rules",
       evaluations},
      {"vmflow_trigger_fired_total",
       kCounter,
       {"trigger"},
       "Snapshots that the trigger has asked for: a rule for every VM that came to break it.",
       kAgent,
       kExact,
       fired},
      {"vmflow_trigger_suppressed_total",
       kCounter,
       {"trigger", "reason"},
       "Snapshots that were asked for and refused.",
       kAgent,
       kExact,
       suppressed},
      {"vmflow_trace_last_snapshot_timestamp_seconds",
       kGauge,
       {"trigger"},
       "When the trigger's last snapshot was complete, since the epoch; absent before the first.",
       kWall,
       kExact,
       last_snapshot},
  };
}

std::vector<Metric> snapshot_rows() {
  return {
      {"vmflow_trace_snapshots_total",
       kCounter,
       {"backend"},
       "Snapshots that are complete, by what recorded; none: finding and history alone.",
       kAgent,
       kExact,
       snapshots},
      {"vmflow_trace_snapshot_failures_total",
       kCounter,
       {"backend"},
       "Snapshots that were begun and have no trace, or could not be written.",
       kAgent,
       kExact,
       failures},
      {"vmflow_trace_events_lost_total",
       kCounter,
       {"backend"},
       "Events that the traces of all snapshots say they have lost.",
       kAgent,
       "as the recorder tells",
       events_lost},
      {"vmflow_trace_written_bytes_total",
       kCounter,
       {"backend"},
       "Bytes of all snapshots that were written.",
       kAgent,
       "file sizes, not blocks",
       written_bytes},
      {"vmflow_trace_backend_available",
       kGauge,
       {"backend"},
       "1 if traces can be recorded this way now.",
       kNow,
       "as of the recorder's last look",
       available},
      {"vmflow_trace_stored_bytes",
       kGauge,
       {},
       "Bytes of the snapshots that are kept.",
       kNow,
       "file sizes as of their completion",
       stored_bytes},
      {"vmflow_trace_stored_snapshots",
       kGauge,
       {},
       "Snapshots that are kept.",
       kNow,
       kExact,
       stored_snapshots},
      {"vmflow_trace_info",
       kGauge,
       {"vm", "snapshot", "trigger"},
       "Always 1; the latest snapshot of a live VM that is kept, and what led to it.",
       kNow,
       kExact,
       trace_info},
  };
}

}  // namespace

std::string_view refusal_name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kCooldown:
      return "cooldown";
    case Refusal::kBusy:
      return "busy";
    case Refusal::kRate:
      return "rate";
    case Refusal::kQuota:
      return "quota";
    case Refusal::kDisk:
      return "disk";
    case Refusal::kOff:
      return "off";
  }
  return "off";
}

std::vector<Metric> trace_metrics() {
  auto rows = trigger_rows();
  for (auto& row : snapshot_rows()) rows.push_back(std::move(row));
  for (auto& row : analysis_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace vmflow
