// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/report_tables.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>

#include "analysis/amount_text.h"
#include "analysis/vm_label.h"

namespace vmflow {
namespace {

constexpr auto kNumber = ColumnKind::kNumber;
constexpr auto kProse = ColumnKind::kProse;

std::string loss_text(const std::optional<uint64_t>& lost) {
  return lost ? count_text(*lost) : "not told";
}

std::string ratio_text(double ratio) {
  if (!std::isfinite(ratio)) return "-";
  return ratio > 0 && ratio < 0.00005 ? "<0.01 %" : fmt::format("{:.2f} %", ratio * 100);
}

bool agrees(const CrosscheckRow& row) {
  return row.disagreement_ratio <= row.allowed_ratio;  // false if it is no number
}

std::string amount(double value, const std::string& unit) {
  if (!std::isfinite(value)) return "-";
  if (unit == "s") return fmt::format("{:.6f} s", value);
  const auto text = value >= 0 && value < 1e15 ? count_text(static_cast<uint64_t>(value))
                                               : fmt::format("{:g}", value);
  return unit.empty() ? text : text + " " + unit;
}

uint64_t losses(const TraceReport& report) {
  uint64_t lost = 0;
  for (const auto& source : report.sources)
    lost += source.lost_events.value_or(0) + source.lost_packets.value_or(0);
  return lost;
}

/// Does every source tell what it lost?
bool tells_losses(const TraceReport& report) {
  return std::ranges::all_of(
      report.sources, [](const auto& source) { return source.lost_events || source.lost_packets; });
}

std::string clock_text(uint64_t unix_ns) {
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm time{};
  gmtime_r(&seconds, &time);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03} UTC", time, unix_ns / 1'000'000 % 1000);
}

/// Source: Unicode Bidirectional Algorithm (UAX 9), explicit formatting characters, and the line
/// and paragraph separators.
bool turns_text(std::string_view three_bytes) {
  static constexpr std::array<std::string_view, 13> kTurning = {
      "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
      "\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029"};
  return std::ranges::find(kTurning, three_bytes) != kTurning.end();
}

}  // namespace

std::string_view shown_cause(const Verdict& verdict) {
  return verdict.cause == Cause::kUnknown ? "not enough evidence" : cause_name(verdict.cause);
}

ReportTable overview_table(const TraceReport& report) {
  ReportTable table{counted_text(report.vms.size(), "VM") + ", those that lost most first:",
                    {{"VM"}, {"Time", kNumber}, {"Share", kNumber}, {"Cause"}, {"Why", kProse}},
                    {}};
  for (const auto& vm : report.vms) {
    const auto& verdict = vm.verdict;
    table.rows.push_back({{shown_text(shown_name(vm.flow)), time_text(verdict.cost_ns),
                           share_text(verdict.cost_ns, verdict.of_ns),
                           std::string(shown_cause(verdict)), shown_text(verdict.sentence)},
                          std::nullopt,
                          ""});
  }
  return table;
}

ReportTable sources_table(const TraceReport& report) {
  uint64_t events = 0;
  for (const auto& source : report.sources) events += source.events;
  ReportTable table{fmt::format("Read from {}: {}.", counted_text(report.sources.size(), "trace"),
                                counted_text(events, "event")),
                    {{"Trace"},
                     {"Recorder"},
                     {"Clock"},
                     {"Events", kNumber},
                     {"Lost events", kNumber},
                     {"Lost packets", kNumber}},
                    {}};
  for (const auto& source : report.sources)
    table.rows.push_back(
        {{shown_text(source.path), shown_text(source.recorder), shown_text(source.clock),
          count_text(source.events), loss_text(source.lost_events), loss_text(source.lost_packets)},
         std::nullopt,
         ""});
  return table;
}

ReportTable missing_table(const TraceReport& report) {
  ReportTable table{report.missing.empty() ? "Nothing is missing in these traces."
                                           : "What these traces cannot tell, or not wholly:",
                    {{"Result"}, {"Why", kProse}},
                    {}};
  for (const auto& missing : report.missing)
    table.rows.push_back({{shown_text(missing.result), shown_text(missing.why)}, std::nullopt, ""});
  return table;
}

ReportTable crosscheck_table(const TraceReport& report) {
  ReportTable table{"Not cross-checked: there are no live numbers of the same window.",
                    {{"Quantity"},
                     {"Live", kNumber},
                     {"From the trace", kNumber},
                     {"Differs", kNumber},
                     {"Allowed", kNumber},
                     {"Agrees"}},
                    {}};
  for (const auto& row : report.crosscheck)
    table.rows.push_back({{shown_text(row.quantity), amount(row.aggregate, row.unit),
                           amount(row.replay, row.unit), ratio_text(row.disagreement_ratio),
                           ratio_text(row.allowed_ratio), agrees(row) ? "yes" : "NO"},
                          std::nullopt,
                          agrees(row) ? "agrees" : "disagrees"});
  if (!table.rows.empty())
    table.sentence =
        std::ranges::all_of(report.crosscheck, agrees)
            ? "What was counted live and what the trace tells agree:"
            : "What was counted live and what the trace tells DISAGREE, do not trust the rest:";
  return table;
}

ReportTable anomalies_table(const TraceReport& report) {
  ReportTable table{"No anomaly was counted.", {{"Anomaly"}, {"Count", kNumber}}, {}};
  for (const auto& anomaly : report.anomalies)
    if (anomaly.count > 0)
      table.rows.push_back(
          {{shown_text(anomaly.name), count_text(anomaly.count)}, std::nullopt, ""});
  if (!table.rows.empty()) table.sentence = "Contradictions in the traces, each counted:";
  return table;
}

bool is_trusted(const TraceReport& report) {
  return losses(report) == 0 && tells_losses(report) &&
         std::ranges::all_of(report.crosscheck, agrees) &&
         std::ranges::all_of(report.anomalies, [](const auto& each) { return each.count == 0; });
}

std::string trust_text(const TraceReport& report) {
  std::string text;
  const auto lost = losses(report);
  if (lost > 0)
    text =
        fmt::format("LOST events or packets: {}. Times around the gaps are wrong or unaccounted.",
                    count_text(lost));
  else
    text = tells_losses(report) ? "No event was lost." : "Whether events were lost is not told.";
  const auto bad =
      std::ranges::count_if(report.crosscheck, [](const auto& row) { return !agrees(row); });
  if (report.crosscheck.empty())
    text += " Not cross-checked with live numbers.";
  else if (bad == 0)
    text += " Live numbers and trace agree.";
  else
    text += fmt::format(" Live numbers and trace disagree in {} of {} quantities.", bad,
                        report.crosscheck.size());
  uint64_t anomalies = 0;
  for (const auto& anomaly : report.anomalies) anomalies += anomaly.count;
  if (anomalies > 0)
    text += fmt::format(" {} counted.",
                        anomalies == 1 ? "1 anomaly" : count_text(anomalies) + " anomalies");
  return text;
}

std::string window_text(const ReportWindow& window) {
  const auto length = window.end_ns - std::min(window.begin_ns, window.end_ns);
  auto text = time_text(length);
  if (window.begin_unix_ns) text += " from " + clock_text(*window.begin_unix_ns);
  return text + fmt::format(" ({} ns of the clock {})", window.begin_ns,
                            window.clock.empty() ? "of the trace" : shown_text(window.clock));
}

std::string host_text(const ReportHost& host) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view before, const std::string& text) {
    if (!text.empty()) parts.push_back(std::string(before) + shown_text(text));
  };
  add("", host.name);
  add("kernel ", host.kernel);
  if (host.cpus > 0) parts.push_back(counted_text(host.cpus, "CPU"));
  add("", host.cpu);
  add("vmflow ", host.vmflow_version);
  return parts.empty() ? "not known" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string shown_text(std::string_view text) {
  const auto valid = sanitise(text, std::numeric_limits<size_t>::max());
  std::string shown;
  for (size_t i = 0; i < valid.size(); i++) {
    const std::string_view next(&valid[i], std::min<size_t>(3, valid.size() - i));
    if (turns_text(next)) {
      shown += "\uFFFD";
      i += 2;
    } else {
      shown += valid[i] == '\n' ? ' ' : valid[i];
    }
  }
  return shown;
}

}  // namespace vmflow
