// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/snapshot_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "exporters/api_json.h"

namespace vmflow {
namespace {

using Json = nlohmann::ordered_json;

// What a VM did in the minute before is what it is held against.
constexpr uint64_t kBeforeNs = 60'000'000'000;
// Nobody who asks by hand says since when; the last ten seconds are what he has seen.
constexpr uint64_t kDuringNs = 10'000'000'000;

std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Short enough to be read, exact enough to be compared: a microsecond in a second.
double rounded(double rate) {
  return std::round(rate * 1e6) / 1e6;
}

Json mean_json(const HistoryMean& mean) {
  if (mean.rate.empty()) return nullptr;
  Json rates = Json::object();
  const auto& names = history_columns();
  for (size_t i = 0; i < mean.rate.size(); i++)
    if (mean.rate[i] > 0) rates[names[i]] = rounded(mean.rate[i]);
  return {{"from_ns", mean.from_ns}, {"to_ns", mean.to_ns}, {"per_second", std::move(rates)}};
}

Json numbers(const SnapshotFacts& facts, const FlowHistory& history) {
  const auto vm = history.vms().find(facts.vm);
  if (vm == history.vms().end()) return nullptr;
  const auto since = facts.finding                ? facts.finding->since_ns
                     : facts.asked_ns > kDuringNs ? facts.asked_ns - kDuringNs
                                                  : 0;
  return {
      {"before", mean_json(mean_of(vm->second, since > kBeforeNs ? since - kBeforeNs : 0, since))},
      {"during", mean_json(mean_of(vm->second, since, UINT64_MAX))}};
}

Json finding_of(const Finding& finding) {
  Json json{{"rule", finding.rule},
            {"metric", finding.metric},
            {"reads", finding.is_rate ? "rate" : "value"},
            {"value", finding.value},
            {"threshold", finding.threshold},
            {"for_seconds", finding.for_seconds},
            {"since_ns", finding.since_ns},
            {"found_ns", finding.now_ns},
            {"sentence", finding.sentence}};
  if (finding.usual)
    json["baseline"] = {{"median", finding.usual->median}, {"mad", finding.usual->mad}};
  return json;
}

Json trace_of(const SnapshotFacts& facts) {
  Json json{{"backend", facts.backend},
            {"parts", facts.trace.parts},
            {"bytes", facts.trace.bytes},
            {"events_lost", facts.trace.events_lost}};
  if (facts.trace.last_ns != 0)
    json["window"] = {{"from_ns", facts.trace.first_ns}, {"to_ns", facts.trace.last_ns}};
  if (!facts.trace_error.empty()) json["error"] = facts.trace_error;
  return json;
}

Json summary_json(const SnapshotSummary& snapshot) {
  Json json{{"id", snapshot.id},
            {"state", state_name(snapshot.state)},
            {"time_unix_seconds", snapshot.unix_seconds},
            {"trigger", snapshot.trigger},
            {"reason", snapshot.reason},
            {"vm", snapshot.vm},
            {"name", snapshot.name},
            {"bytes", snapshot.bytes}};
  if (!snapshot.error.empty()) json["error"] = snapshot.error;
  return json;
}

Json series_of(const VmHistory& vm) {
  Json from = Json::array(), to = Json::array(), rates = Json::object();
  for (const auto& row : vm.rows) {
    from.push_back(row.from_ns);
    to.push_back(row.to_ns);
  }
  const auto& names = history_columns();
  for (size_t i = 0; i < names.size(); i++) {
    if (std::ranges::all_of(vm.rows, [&](const auto& row) { return row.rate[i] == 0; })) continue;
    Json values = Json::array();
    for (const auto& row : vm.rows) values.push_back(rounded(row.rate[i]));
    rates[names[i]] = std::move(values);
  }
  return {{"from_ns", std::move(from)}, {"to_ns", std::move(to)}, {"per_second", std::move(rates)}};
}

}  // namespace

std::string_view state_name(SnapshotState state) {
  switch (state) {
    case SnapshotState::kRecording:
      return "recording";
    case SnapshotState::kComplete:
      return "complete";
    case SnapshotState::kFailed:
      return "failed";
  }
  return "failed";
}

std::string finding_json(const SnapshotFacts& facts, const FlowHistory& history) {
  Json json{{"version", kSnapshotVersion},
            {"id", facts.id},
            {"time_unix_seconds", facts.asked_unix_seconds},
            {"asked_ns", facts.asked_ns},
            {"taken_ns", facts.taken_ns},
            {"trigger", facts.trigger},
            {"reason", facts.reason},
            {"vm", {{"id", facts.vm}, {"name", facts.name}}},
            {"finding", facts.finding ? finding_of(*facts.finding) : Json(nullptr)},
            {"numbers", numbers(facts, history)},
            {"trace", trace_of(facts)},
            {"host",
             {{"kernel", facts.host.kernel},
              {"arch", facts.host.arch},
              {"exit_codes_from", facts.host.exit_source}}},
            {"vmflow", {{"version", facts.version}, {"revision", facts.revision}}}};
  return text_of(json, 2);
}

std::string history_json(const FlowHistory& history) {
  Json vms = Json::array();
  for (const auto& [label, vm] : history.vms()) {
    Json json{{"id", label}, {"name", vm.name}};
    json.update(series_of(vm));
    vms.push_back(std::move(json));
  }
  return text_of({{"version", kSnapshotVersion},
                  {"clock", "CLOCK_MONOTONIC"},
                  {"now_ns", history.now_ns()},
                  {"span_seconds", static_cast<double>(history.span_ns()) / 1e9},
                  {"vms_left_out", history.left_out()},
                  {"vms", std::move(vms)}},
                 -1);
}

std::optional<SnapshotSummary> summary_of(std::string_view finding_json) {
  try {
    const auto json = Json::parse(finding_json);
    SnapshotSummary summary;
    summary.id = json.at("id").get<std::string>();
    summary.unix_seconds = json.at("time_unix_seconds").get<double>();
    summary.trigger = json.at("trigger").get<std::string>();
    summary.reason = json.at("reason").get<std::string>();
    summary.vm = json.at("vm").at("id").get<std::string>();
    summary.name = json.at("vm").at("name").get<std::string>();
    return summary;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string snapshots_json(const std::vector<SnapshotSummary>& snapshots, uint64_t stored_bytes) {
  Json rows = Json::array();
  for (const auto& snapshot : snapshots) rows.push_back(summary_json(snapshot));
  return text_of(
      {{"version", kApiVersion}, {"snapshots", std::move(rows)}, {"stored_bytes", stored_bytes}},
      2);
}

std::string snapshot_json(const SnapshotSummary& snapshot, const std::string& folder,
                          const std::vector<std::string>& files, std::string_view finding) {
  Json json{{"version", kApiVersion}};
  json.update(summary_json(snapshot));
  if (!folder.empty()) json["folder"] = folder;
  json["files"] = files;
  // What is on disk may have been damaged; the answer must not be.
  if (!finding.empty()) {
    auto details = Json::parse(finding, nullptr, false);
    json["details"] = details.is_discarded() ? Json(nullptr) : std::move(details);
  }
  return text_of(json, 2);
}

}  // namespace vmflow
