// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/replay_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "analysis/amount_text.h"
#include "analysis/build_model.h"
#include "analysis/exit_reason.h"
#include "analysis/flow_names.h"
#include "analysis/vm_label.h"
#include "analysis/wait_reason.h"

namespace vmflow {
namespace {

/// The replayed snapshot as a live one would be: a VM that ended in the trace is told all the same.
Snapshot as_live(const ReplayResult& replay, const IdentitiesByProcess& identities) {
  auto snapshot = replay.snapshot;
  for (auto& copy : snapshot.slots) {
    copy.slot.end = {};
    const VmKey vm{copy.slot.id.tgid, copy.slot.id.kvm};
    if (snapshot.identities.contains(vm)) continue;
    const auto known = identities.find(vm.tgid);
    auto& identity = snapshot.identities[vm];
    if (known != identities.end()) identity = known->second;
    identity.pid = vm.tgid;
    identity.alive = true;
  }
  return snapshot;
}

/// What is known of an interval beyond its state, in the words of the metrics.
class Details {
 public:
  Details(const ReplayResult& replay, const FlowModel& model) : replay_(replay), model_(model) {}

  std::string text(const ReplayInterval& interval) const {
    switch (interval.state) {
      case FLOW_KVM:
      case FLOW_VMM:
        return interval.exit_index < FLOW_EXIT_CODES
                   ? "after exit " + exit_name(replay_.snapshot.host.vendor, interval.exit_index)
                   : "";
      case FLOW_HALTED:
        return interval.wait < FLOW_WAKE_KINDS
                   ? fmt::format("ended by {}", wait_reason_name(wait_reason(interval.wait)))
                   : "what ended it is not known";
      case FLOW_VMM_BLOCKED:
        return interval.block < FLOW_BLOCKS ? fmt::format("in {}", block_name(interval.block)) : "";
      case FLOW_READY:
        return culprit(interval.culprit);
      default:
        return "";
    }
  }

 private:
  std::string culprit(uint32_t place) const {
    if (place == 0 || place >= replay_.culprits.size()) return "who held the CPU is not known";
    const auto& culprit = replay_.culprits[place];
    NamedCulprit named{.kind = culprit.kind, .who = "", .pid = culprit.vm.tgid, .ns = 0};
    for (const auto& vm : model_.vms)
      if (culprit.kind == FLOW_CULPRIT_OTHER_VM && vm.pid == culprit.vm.tgid)
        named.who = shown_name(vm);
    if (named.who.empty()) named.who = sanitise(text_of(culprit.comm));
    return "the CPU was held by " + culprit_text(named);
  }

  const ReplayResult& replay_;
  const FlowModel& model_;
};

/// The places of details in the table: there are few different ones for all the intervals.
class DetailPlaces {
 public:
  DetailPlaces(const Details& details, DetailTable& table) : details_(details), table_(table) {}

  uint32_t of(const ReplayInterval& interval) {
    const Key key{interval.state, interval.exit_index, interval.wait, interval.block,
                  interval.culprit};
    const auto [known, is_new] = places_.try_emplace(key, 0);
    if (is_new) known->second = table_.place(details_.text(interval));
    return known->second;
  }

 private:
  using Key = std::tuple<flow_state, uint32_t, flow_wake_kind, flow_block, uint32_t>;

  const Details& details_;
  DetailTable& table_;
  std::map<Key, uint32_t> places_;
};

ReportVcpu& vcpu_of(ReportVm& vm, const ReplayedVcpu& replayed) {
  const auto same = std::ranges::find(vm.vcpus, replayed.vcpu_id, &ReportVcpu::vcpu_id);
  if (same != vm.vcpus.end()) return *same;
  return vm.vcpus.emplace_back(
      ReportVcpu{.vcpu_id = replayed.vcpu_id, .tid = replayed.tid, .intervals = {}, .left_out = 0});
}

void add_timelines(TraceReport& report, const ReplayResult& replay, const FlowModel& model) {
  DetailTable table;
  const Details details(replay, model);
  DetailPlaces places(details, table);
  for (const auto& replayed : replay.vcpus) {
    const auto vm = std::ranges::find(report.vms, replayed.vm.tgid,
                                      [](const ReportVm& one) { return one.flow.pid; });
    if (vm == report.vms.end()) continue;
    auto& vcpu = vcpu_of(*vm, replayed);
    vcpu.left_out += replayed.left_out;
    vcpu.intervals.reserve(replayed.intervals.size());
    for (const auto& interval : replayed.intervals)
      vcpu.intervals.push_back({.begin_ns = interval.begin_ns,
                                .end_ns = interval.end_ns,
                                .state = interval.state,
                                .detail = places.of(interval)});
    // Two vCPUs of one id may be one after the other.
    if (!std::ranges::is_sorted(vcpu.intervals, {}, &ReportInterval::begin_ns))
      std::ranges::stable_sort(vcpu.intervals, {}, &ReportInterval::begin_ns);
    for (const auto& interrupt : replayed.interrupts)
      if (interrupt.kind == FLOW_WAKE_IPI && interrupt.by != FLOW_ANY_VCPU)
        vcpu.wakes.push_back({interrupt.ns, interrupt.by});
  }
  report.details = std::move(table).take();
}

void add_processes(TraceReport& report, std::span<const VmProcesses> processes) {
  for (const auto& of_vm : processes) {
    const auto vm = std::ranges::find(report.vms, of_vm.vm.tgid,
                                      [](const ReportVm& one) { return one.flow.pid; });
    if (vm != report.vms.end()) vm->processes = of_vm;
  }
}

void add_nested(TraceReport& report, std::span<const VmNested> nested) {
  for (const auto& of_vm : nested) {
    const auto vm = std::ranges::find(report.vms, of_vm.vm.tgid,
                                      [](const ReportVm& one) { return one.flow.pid; });
    if (vm != report.vms.end()) vm->nested = of_vm;
  }
}

void add_sources(TraceReport& report, const TraceContents& contents) {
  for (const auto& trace : contents.traces) {
    uint64_t events = 0;
    for (const auto& [name, count] : trace.events) events += count;
    report.sources.push_back({.path = trace.paths.empty() ? "" : sanitise(trace.paths.front()),
                              .recorder = sanitise(trace.tracer + " " + trace.tracer_version),
                              .clock = sanitise(trace.clock.name),
                              .events = events,
                              .lost_events = trace.discarded_events,
                              .lost_packets = trace.discarded_packets});
    if (trace.uncounted_losses > 0)
      report.missing.push_back(
          {"a part of the events", fmt::format("{} lost some in {} places and did not count them",
                                               sanitise(trace.tracer), trace.uncounted_losses)});
  }
  for (const auto& text : missing(contents)) {
    const auto colon = text.find(": ");
    if (colon == std::string::npos)
      report.missing.push_back({text, ""});
    else
      report.missing.push_back({text.substr(colon + 2), text.substr(0, colon)});
  }
}

void add_anomalies(TraceReport& report, const ReplayResult& replay, const FlowModel& model,
                   const TraceContents& contents) {
  const auto add = [&](std::string name, uint64_t count) {
    if (count > 0) report.anomalies.push_back({std::move(name), count});
  };
  for (uint32_t i = 0; i < kReplayAnomalies; i++)
    add(std::string(replay_anomaly_text(static_cast<ReplayAnomaly>(i))), replay.anomalies[i]);
  for (uint32_t i = 0; i < FLOW_ANOMALIES; i++)
    add(std::string(anomaly_name(static_cast<flow_anomaly>(i))), model.health.anomalies[i]);
  add("events older than the one before, as read", contents.out_of_order);
  for (const auto& trace : contents.traces)
    for (const auto& [name, count] : trace.misshapen)
      add(fmt::format("{} with fields of another shape", sanitise(name)), count);
}

}  // namespace

FlowModel replayed_model(const ReplayResult& replay, const IdentitiesByProcess& identities) {
  return build_model(as_live(replay, identities), {}).model;
}

TraceReport replay_report(const ReplayResult& replay, const TraceContents& contents,
                          const IdentitiesByProcess& identities,
                          std::span<const VmProcesses> processes, std::span<const VmNested> nested,
                          const std::function<bool(const VmFlow&)>& wanted) {
  auto model = replayed_model(replay, identities);
  TraceReport report;
  report.title = "vmflow: what the trace tells";
  report.window = {.begin_ns = replay.first_ns,
                   .end_ns = replay.last_ns,
                   .clock = contents.traces.empty() ? "" : sanitise(contents.traces[0].clock.name),
                   .begin_unix_ns = std::nullopt};
  if (has_live_clock(contents))
    report.window.begin_unix_ns =
        replay.first_ns + static_cast<uint64_t>(contents.traces[0].clock.offset_ns);
  report.host.kernel = model.host.kernel;
  report.tells_irq = model.tells_irq;
  report.names = vm_names(model);
  report.vms = report_vms(model);
  if (wanted) std::erase_if(report.vms, [&](const auto& vm) { return !wanted(vm.flow); });
  add_timelines(report, replay, model);
  add_processes(report, processes);
  add_nested(report, nested);
  add_sources(report, contents);
  add_anomalies(report, replay, model, contents);
  return report;
}

void add_missing_paths(TraceReport& report, const ReplayResult& replay, const ThreadLives& lives,
                       const ExecutionGraph& graph) {
  const auto add = [&](const char* part, uint64_t ns, const char* why) {
    report.missing.push_back(
        {fmt::format("critical paths of the {} {}", part, time_text(ns)), why});
  };
  if (graph.begin_ns > replay.first_ns)
    add("first", graph.begin_ns - replay.first_ns,
        "LTTng's trace, which tells of threads that are no vCPUs, begins later");
  if (graph.end_ns >= replay.last_ns) return;
  const bool ends_earlier = lives.has_all_switches && graph.end_ns == lives.last_ns;
  add("last", replay.last_ns - graph.end_ns,
      ends_earlier
          ? "LTTng's trace, which tells of threads that are no vCPUs, ends earlier"
          : "what happened before is as much as can be kept; --from and --to choose another "
            "part");
}

void add_crosscheck(TraceReport& report, const Crosscheck& check) {
  for (const auto& row : check.rows) {
    if (!row.is_time && !row.agrees() && row.replay < row.aggregate)
      report.missing.push_back(
          {fmt::format("{:.0f} of {:.0f} {} ({:.1f} %)", row.aggregate - row.replay, row.aggregate,
                       row.quantity, 100 * (row.aggregate - row.replay) / row.aggregate),
           "they were counted while the trace was recorded, and are not in it"});
    report.crosscheck.push_back({.quantity = row.quantity,
                                 .unit = row.is_time ? "s" : "",
                                 .aggregate = row.aggregate,
                                 .replay = row.replay,
                                 .disagreement_ratio = row.disagreement_ratio,
                                 .allowed_ratio = row.allowed_ratio});
  }
  report.crosscheck_left_out.insert(report.crosscheck_left_out.end(), check.left_out.begin(),
                                    check.left_out.end());
}

}  // namespace vmflow
