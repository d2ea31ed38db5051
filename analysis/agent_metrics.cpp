// SPDX-License-Identifier: GPL-2.0-only
// Rows of the catalog: whether the numbers can be trusted, and what the agent costs.
#include "analysis/flow_names.h"
#include "analysis/metric_samples.h"
#include "analysis/metric_texts.h"

namespace vmflow {
namespace {

// Said in the texts below.
static_assert(FLOW_SAMPLE_EVERY == 1024);

template <typename Read>
void per_program(const FlowModel& model, SampleSink& samples, Read read) {
  for (const auto& program : model.programs) samples.add({program.name}, read(program));
}

void entries_missing(const FlowModel& model, SampleSink& samples) {
  samples.add({}, model.health.entries_missing ? 1.0 : 0.0);
}

void events_dropped(const FlowModel& model, SampleSink& samples) {
  for (uint32_t i = 0; i < FLOW_LOSSES; i++)
    samples.add({"bpf", loss_name(static_cast<flow_loss>(i))}, number(model.health.losses[i]));
}

void ledger_anomalies(const FlowModel& model, SampleSink& samples) {
  for (uint32_t i = 0; i < FLOW_ANOMALIES; i++)
    samples.add({anomaly_name(static_cast<flow_anomaly>(i))}, number(model.health.anomalies[i]));
}

void exits_folded(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.health.exits_folded));
}

void counters_held(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.health.clamps));
}

void torn_slots(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.health.torn_slots));
}

void duplicate_uuids(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.health.duplicate_uuids));
}

void build_info(const FlowModel& model, SampleSink& samples) {
  samples.add({model.agent.version, model.agent.revision}, 1.0);
}

void collector_success(const FlowModel& model, SampleSink& samples) {
  for (const auto& collector : model.agent.collectors)
    samples.add({collector.name}, collector.success ? 1.0 : 0.0);
}

void collector_duration(const FlowModel& model, SampleSink& samples) {
  for (const auto& collector : model.agent.collectors)
    samples.add({collector.name}, collector.duration_seconds);
}

void program_attached(const FlowModel& model, SampleSink& samples) {
  per_program(model, samples,
              [](const ProgramFlow& program) { return program.attached ? 1.0 : 0.0; });
}

void program_runs(const FlowModel& model, SampleSink& samples) {
  per_program(model, samples, [](const ProgramFlow& program) { return number(program.runs); });
}

void program_timed_runs(const FlowModel& model, SampleSink& samples) {
  per_program(model, samples,
              [](const ProgramFlow& program) { return number(program.timed_runs); });
}

void program_seconds(const FlowModel& model, SampleSink& samples) {
  per_program(model, samples, [](const ProgramFlow& program) { return seconds(program.run_ns); });
}

void program_recursion(const FlowModel& model, SampleSink& samples) {
  per_program(model, samples,
              [](const ProgramFlow& program) { return number(program.recursion_misses); });
}

void map_entries(const FlowModel& model, SampleSink& samples) {
  for (const auto& map : model.maps) samples.add({map.name}, number(map.entries));
}

void map_limits(const FlowModel& model, SampleSink& samples) {
  for (const auto& map : model.maps) samples.add({map.name}, number(map.max_entries));
}

void capability_held(const FlowModel& model, SampleSink& samples) {
  for (const auto& capability : model.agent.rights.capabilities)
    samples.add({capability.name}, capability.held ? 1.0 : 0.0);
}

void confined(const FlowModel& model, SampleSink& samples) {
  const auto& rights = model.agent.rights;
  for (const auto& [name, holds] : {std::pair("unprivileged_user", rights.unprivileged_user),
                                    std::pair("no_new_privs", rights.no_new_privs),
                                    std::pair("system_call_filter", rights.system_call_filter)})
    samples.add({name}, holds ? 1.0 : 0.0);
}

void process_cpu(const FlowModel& model, SampleSink& samples) {
  samples.add({}, model.agent.process.cpu_seconds);
}

void process_resident(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.agent.process.resident_bytes));
}

void process_virtual(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.agent.process.virtual_bytes));
}

void process_open_fds(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.agent.process.open_fds));
}

void process_max_fds(const FlowModel& model, SampleSink& samples) {
  samples.add({}, number(model.agent.process.max_fds));
}

void process_start_time(const FlowModel& model, SampleSink& samples) {
  samples.add({}, model.agent.process.start_time_unix_seconds);
}

}  // namespace

std::vector<Metric> agent_metrics() {
  return {
      {"vmflow_kvm_entries_missing",
       kGauge,
       {},
       "1 if VMs run but this kernel's KVM reports no VM entry and no VM exit: nothing can be "
       "measured.",
       kNow,
       "known once VMs have run too long for a coincidence, a second or two",
       entries_missing},
      {"vmflow_events_dropped_total",
       kCounter,
       {"source", "reason"},
       "Events that could not be counted.",
       kEvents,
       kExact,
       events_dropped},
      {"vmflow_ledger_anomalies_total",
       kCounter,
       {"anomaly"},
       "Events that contradict the ones before them, live and gone VMs.",
       kEvents,
       kExact,
       ledger_anomalies},
      {"vmflow_exits_folded_total",
       kCounter,
       {},
       "VM exits counted under other, live and gone VMs.",
       kEvents,
       kExact,
       exits_folded},
      {"vmflow_counters_held_total",
       kCounter,
       {},
       "Counters that would have fallen from one look to the next, and were held.",
       kAgent,
       kExact,
       counters_held},
      {"vmflow_slots_torn_total",
       kCounter,
       {},
       "vCPU records that were being written whenever the agent looked; their last values stood.",
       kAgent,
       kExact,
       torn_slots},
      {"vmflow_duplicate_uuids_total",
       kCounter,
       {},
       "VMs that came with the uuid of a live one.",
       kAgent,
       kExact,
       duplicate_uuids},
      {"vmflow_build_info",
       kGauge,
       {"version", "revision"},
       "Always 1; which vmflowd this is.",
       kNow,
       kExact,
       build_info},
      {"vmflow_scrape_collector_success",
       kGauge,
       {"collector"},
       "1 if this part of the agent worked.",
       kNow,
       kExact,
       collector_success},
      {"vmflow_scrape_collector_duration_seconds",
       kGauge,
       {"collector"},
       "What this part of the agent took for this page.",
       "CLOCK_MONOTONIC",
       kExact,
       collector_duration},
      {"vmflow_bpf_program_attached",
       kGauge,
       {"program"},
       "1 if the kernel program is attached.",
       kNow,
       kExact,
       program_attached},
      {"vmflow_bpf_program_runs_total",
       kCounter,
       {"program"},
       "Runs of the kernel program that had a vCPU to look after.",
       kEvents,
       "a run interrupted by another one on the same CPU may be missed",
       program_runs},
      {"vmflow_bpf_program_timed_runs_total",
       kCounter,
       {"program"},
       "Runs that timed themselves: one in 1,024.",
       kEvents,
       kExact,
       program_timed_runs},
      {"vmflow_bpf_program_run_seconds_total",
       kCounter,
       {"program"},
       "Time in the kernel program, estimated from the runs that timed themselves.",
       kMono,
       "a sample: the time before the first clock reading and after the last is not in it",
       program_seconds},
      {"vmflow_bpf_program_recursion_misses_total",
       kCounter,
       {"program"},
       "Events that the kernel kept from the program because it was already running on that CPU.",
       kEvents,
       kExact,
       program_recursion},
      {"vmflow_bpf_map_entries", kGauge, {"map"}, "Entries in use.", kNow, kExact, map_entries},
      {"vmflow_bpf_map_max_entries",
       kGauge,
       {"map"},
       "Entries there are: --max-vcpus.",
       kNow,
       kExact,
       map_limits},
      {"vmflow_agent_capability_held",
       kGauge,
       {"capability"},
       "1 while a thread of vmflowd holds what attaching may need: 0 once all programs are "
       "attached.",
       "read from /proc when it changed",
       kExact,
       capability_held},
      {"vmflow_agent_confined",
       kGauge,
       {"by"},
       "1 if all threads of vmflowd are limited so; by system_call_filter once all programs are "
       "attached.",
       "read from /proc when it changed",
       kExact,
       confined},
      {"process_cpu_seconds_total",
       kCounter,
       {},
       "CPU time of the agent, user and system.",
       "the scheduler's",
       kExact,
       process_cpu},
      {"process_resident_memory_bytes",
       kGauge,
       {},
       "Memory of the agent that is resident.",
       kNow,
       kExact,
       process_resident},
      {"process_virtual_memory_bytes",
       kGauge,
       {},
       "Address space of the agent.",
       kNow,
       kExact,
       process_virtual},
      {"process_open_fds",
       kGauge,
       {},
       "Files that the agent has open.",
       kNow,
       kExact,
       process_open_fds},
      {"process_max_fds",
       kGauge,
       {},
       "Files that the agent may have open.",
       kNow,
       kExact,
       process_max_fds},
      {"process_start_time_seconds",
       kGauge,
       {},
       "Start of the agent since the epoch.",
       kWall,
       "one clock tick (10 ms)",
       process_start_time},
  };
}

}  // namespace vmflow
