// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/report_json.h"

#include <nlohmann/json.hpp>

#include "analysis/flow_names.h"
#include "analysis/seconds.h"
#include "exporters/long_lists.h"
#include "exporters/nested_json.h"
#include "exporters/path_json.h"
#include "exporters/process_json.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

/// Since the window's begin; an interval may have begun before it.
int64_t since(const ReportWindow& window, uint64_t ns) {
  return static_cast<int64_t>(ns - window.begin_ns);
}

template <typename Key, typename NameOf, size_t kSize>
Json by_name(const std::array<uint64_t, kSize>& ns, NameOf name_of) {
  Json json;
  for (uint32_t i = 0; i < kSize; i++)
    json[std::string(name_of(static_cast<Key>(i)))] = seconds(ns[i]);
  return json;
}

Json states(const TimeLedger& time) {
  auto json = by_name<flow_state>(time.state_ns, [](auto state) { return state_name(state).name; });
  json["unaccounted"] = seconds(time.unaccounted_ns + time.held_back_ns);
  return json;
}

Json verdict(const Verdict& verdict) {
  Json second;
  if (verdict.second.cause != Cause::kNothing)
    second = {{"cause", cause_name(verdict.second.cause)}, {"seconds", seconds(verdict.second.ns)}};
  return {{"cause", cause_name(verdict.cause)},
          {"seconds", seconds(verdict.cost_ns)},
          {"enough_evidence", verdict.cause != Cause::kUnknown},
          {"second", std::move(second)},
          {"lost_seconds", seconds(verdict.lost_ns)},
          {"of_seconds", seconds(verdict.of_ns)},
          {"sentence", verdict.sentence}};
}

Json culprits(const ReportVm& vm) {
  Json rows = Json::array();
  for (const auto& culprit : vm.culprits) {
    Json row{{"kind", culprit_name(culprit.kind)}};
    if (!culprit.who.empty()) row["who"] = culprit.who;
    if (culprit.pid != 0) row["pid"] = culprit.pid;
    row["seconds"] = seconds(culprit.ns);
    rows.push_back(std::move(row));
  }
  return rows;
}

void write_intervals(RowsText& rows, const ReportVcpu& vcpu, const ReportWindow& window) {
  for (const auto& each : vcpu.intervals)
    rows.begin_row()
        .number(since(window, each.begin_ns))
        .number(since(window, each.end_ns))
        .word(state_name(each.state).name)
        .number(each.detail)
        .end_row();
}

const VcpuTime* time_of(const VmFlow& vm, uint32_t vcpu_id) {
  const auto time = std::ranges::find(vm.per_vcpu, vcpu_id, &VcpuTime::vcpu_id);
  return time == vm.per_vcpu.end() ? nullptr : &*time;
}

Json vcpus(const ReportVm& vm, const ReportWindow& window, LongLists* lists) {
  Json rows = Json::array();
  for (const auto& vcpu : vm.vcpus) {
    Json row{{"vcpu", vcpu.vcpu_id}, {"tid", vcpu.tid}};
    if (const auto* time = time_of(vm.flow, vcpu.vcpu_id)) row["seconds"] = states(time->time);
    row["interval_count"] = vcpu.intervals.size();
    row["intervals_left_out"] = vcpu.left_out;
    if (lists)
      row["intervals"] = lists->add(vcpu.intervals.size(), [&](RowsText& intervals) {
        write_intervals(intervals, vcpu, window);
      });
    rows.push_back(std::move(row));
  }
  return rows;
}

Json levels(const NestedSums& levels) {
  auto json = by_name<flow_level>(levels.level_ns, level_name);
  json["pending"] = seconds(levels.pending_ns);
  return json;
}

Json vm(const ReportVm& vm, const TraceReport& report, LongLists* lists) {
  const auto& flow = vm.flow;
  auto ready = by_name<flow_culprit>(flow.culprit_ns, culprit_name);
  // Interrupts are a part of the others then, not none.
  if (!report.tells_irq) ready.erase(std::string(culprit_name(FLOW_CULPRIT_IRQ)));
  Json exits = Json::object();
  for (const auto& exit : flow.exits)
    exits[exit.reason] = {{"count", exit.count}, {"seconds", seconds(exit.ns)}};
  Json json{{"id", flow.label},
            {"name", flow.name},
            {"pid", flow.pid},
            {"verdict", verdict(vm.verdict)},
            {"seconds", states(flow.time)},
            {"wait_seconds", by_name<WaitReason>(flow.wait_ns, wait_reason_name)},
            {"blocked_seconds", by_name<flow_block>(flow.block_ns, block_name)},
            {"ready_by_culprit_seconds", std::move(ready)},
            {"culprits", culprits(vm)},
            {"exits", std::move(exits)}};
  if (!vm.host.empty()) json["host"] = vm.host;
  if (flow.levels) json["nested_seconds"] = levels(*flow.levels);
  if (vm.nested) json["nested_vcpus"] = nested_json(*vm.nested);
  if (vm.processes) json["guest_processes"] = process_json(*vm.processes, report.window.begin_ns);
  if (vm.path) json["critical_path"] = path_json(*vm.path, report.window.begin_ns, lists);
  json["vcpus"] = vcpus(vm, report.window, lists);
  return json;
}

Json window(const ReportWindow& window) {
  Json json{{"clock", window.clock},
            {"begin_ns", window.begin_ns},
            {"end_ns", window.end_ns},
            {"seconds", static_cast<double>(since(window, window.end_ns)) / 1e9}};
  if (window.begin_unix_ns) json["begin_unix_ns"] = *window.begin_unix_ns;
  return json;
}

Json sources(const TraceReport& report) {
  Json rows = Json::array();
  for (const auto& source : report.sources) {
    Json row{{"path", source.path},
             {"recorder", source.recorder},
             {"clock", source.clock},
             {"events", source.events}};
    if (source.lost_events) row["lost_events"] = *source.lost_events;
    if (source.lost_packets) row["lost_packets"] = *source.lost_packets;
    rows.push_back(std::move(row));
  }
  return rows;
}

Json crosscheck(const TraceReport& report) {
  Json rows = Json::array();
  for (const auto& row : report.crosscheck)
    rows.push_back({{"quantity", row.quantity},
                    {"unit", row.unit},
                    {"aggregate", row.aggregate},
                    {"replay", row.replay},
                    {"disagreement_ratio", row.disagreement_ratio},
                    {"allowed_ratio", row.allowed_ratio}});
  return {{"rows", std::move(rows)}, {"left_out", report.crosscheck_left_out}};
}

Json host_clocks(const TraceReport& report) {
  Json rows = Json::array();
  for (const auto& clock : report.host_clocks) {
    Json row{{"host", clock.host},
             {"against", clock.against},
             {"quality", clock.quality},
             {"packets_there", clock.packets_there},
             {"packets_back", clock.packets_back},
             {"contradicting", clock.contradicting},
             {"packets", Json::object()}};
    if (clock.offset_ns) row["offset_ns"] = *clock.offset_ns;
    if (clock.offset_ns) row["drift"] = clock.drift;
    if (clock.accuracy_ns) row["accuracy_ns"] = *clock.accuracy_ns;
    for (const auto& outcome : clock.outcomes) row["packets"][outcome.name] = outcome.count;
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_trust(Json& json, const TraceReport& report) {
  json["sources"] = sources(report);
  json["missing"] = Json::array();
  for (const auto& missing : report.missing)
    json["missing"].push_back({{"result", missing.result}, {"why", missing.why}});
  json["crosscheck"] = crosscheck(report);
  json["anomalies"] = Json::object();
  for (const auto& anomaly : report.anomalies) json["anomalies"][anomaly.name] = anomaly.count;
}

}  // namespace

std::string report_json(const TraceReport& report, const ReportJsonOptions& options) {
  LongLists long_lists;
  auto* lists = options.intervals ? &long_lists : nullptr;
  Json json{{"schema", "vmflow_trace_report"},
            {"version", kReportVersion},
            {"title", report.title},
            {"finding", report.finding},
            {"findings", report.findings}};
  if (!report.trigger.name.empty())
    json["trigger"] = {
        {"name", report.trigger.name}, {"vm", report.trigger.vm}, {"text", report.trigger.text}};
  json["window"] = window(report.window);
  json["host"] = {{"name", report.host.name},
                  {"kernel", report.host.kernel},
                  {"cpu", report.host.cpu},
                  {"cpus", report.host.cpus},
                  {"vmflow", report.host.vmflow_version}};
  if (!report.host_clocks.empty()) json["host_clocks"] = host_clocks(report);
  json["marks"] = Json::array();
  for (const auto& mark : report.marks)
    json["marks"].push_back({{"ns", since(report.window, mark.ns)}, {"text", mark.text}});
  json["vms"] = Json::array();
  for (const auto& each : report.vms) json["vms"].push_back(vm(each, report, lists));
  if (report.path) json["critical_path"] = path_json(*report.path, report.window.begin_ns, lists);
  add_trust(json, report);
  if (options.intervals) json["details"] = report.details;
  auto text = lists ? lists->text(json) : json.dump(2, ' ', false, Json::error_handler_t::replace);
  return text += '\n';
}

}  // namespace vmflow
