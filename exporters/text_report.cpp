// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/text_report.h"

#include "exporters/report_tables.h"
#include "exporters/text_table.h"

namespace vmflow {

std::string text_report(const TraceReport& report) {
  constexpr size_t kIndent = 2;
  std::string out = wrapped_text(shown_text(report.finding), 0);
  for (const auto& finding : report.findings) out += wrapped_text("- " + shown_text(finding), 0);
  out += "\n";
  if (!report.trigger.name.empty())
    out += wrapped_text(
        "Trigger: " + shown_text(report.trigger.name) + ": " + shown_text(report.trigger.text), 0);
  out += wrapped_text("Window:  " + window_text(report.window), 0);
  out += wrapped_text("Host:    " + host_text(report.host), 0);
  out += wrapped_text("Trust:   " + trust_text(report), 0) + "\n";
  out += text_table(overview_table(report), kIndent);
  if (report.path) out += text_table(path_table(*report.path), kIndent);
  for (const auto& vm : report.vms) {
    const auto name = shown_text(shown_name(vm.flow)), label = shown_text(vm.flow.label);
    out += wrapped_text("== " + name + (name == label ? "" : " (" + label + ")"), 0);
    out += wrapped_text(shown_text(vm.verdict.sentence), 0) + "\n";
    for (const auto& table : vm_tables(vm, report.window)) out += text_table(table, kIndent);
  }
  if (!report.host_clocks.empty()) {
    out += "== Several hosts\n";
    for (const auto& table : {host_clock_table(report), host_packet_table(report)})
      out += text_table(table, kIndent);
  }
  out += "== Can it be trusted?\n";
  for (const auto& table : {crosscheck_table(report), sources_table(report), missing_table(report),
                            anomalies_table(report)})
    out += text_table(table, kIndent);
  for (const auto& left_out : report.crosscheck_left_out)
    out += wrapped_text("Not compared: " + shown_text(left_out), 0);
  return out;
}

}  // namespace vmflow
