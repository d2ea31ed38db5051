// SPDX-License-Identifier: GPL-2.0-only
// The tables of a report, the same for a terminal and for a page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/trace_report.h"

namespace vmflow {

enum class ColumnKind {
  kText,
  kNumber,
  kProse,  ///< sentences: to be wrapped, never cut
};

struct TableColumn {
  std::string name;
  ColumnKind kind = ColumnKind::kText;
};

/// Shape: `cells` has one for each column. `share` is the row's part of what the table splits,
/// absent if the table splits nothing. `key` names the row's colour: "state-ready", "wait-timer".
struct TableRow {
  std::vector<std::string> cells;
  std::optional<double> share;
  std::string key;
};

/// A table and the sentence that says what it tells. A table without rows is not shown, but for its
/// sentence.
struct ReportTable {
  std::string sentence;
  std::vector<TableColumn> columns;
  std::vector<TableRow> rows;
};

/// Where the vCPUs' time went.
ReportTable states_table(const VmFlow& vm);

/// Who ran inside the VM, as far as samples tell.
ReportTable processes_table(const VmProcesses& vm);
/// Which of them matter to one another. Shape: `ranks` is there.
ReportTable ranks_table(const VmProcesses& vm);
/// What the vCPUs of a VM's guests did.
ReportTable nested_table(const VmNested& nested);
/// What a critical path is made of, its sentence first.
ReportTable path_table(const ReportPath& report);
/// All there is to say of one VM, states first.
std::vector<ReportTable> vm_tables(const ReportVm& vm, const ReportWindow& window);

/// The cause as a reader knows it; of what is unknown, that the evidence is not enough.
std::string_view shown_cause(const Verdict& verdict);
/// One VM a row, in the report's order.
ReportTable overview_table(const TraceReport& report);
/// The other hosts' clocks against the first one's. Shape: without rows if there is one host only.
ReportTable host_clock_table(const TraceReport& report);
/// What became of the packets by which the clocks were told.
ReportTable host_packet_table(const TraceReport& report);
ReportTable sources_table(const TraceReport& report);
ReportTable missing_table(const TraceReport& report);
ReportTable crosscheck_table(const TraceReport& report);
ReportTable anomalies_table(const TraceReport& report);

/// What the numbers may be trusted for, in one sentence.
std::string trust_text(const TraceReport& report);
/// Is there nothing against them?
bool is_trusted(const TraceReport& report);

/// "10.0 s of 2026-01-31 12:00:00.000 UTC, from 1 234 ns of monotonic on"
std::string window_text(const ReportWindow& window);

/// "kernel 6.1.0, 8 CPUs, …": what is known of the host and of who analysed.
std::string host_text(const ReportHost& host);

/// Text that somebody else wrote, fit to be shown: valid UTF-8 in one line, without characters that
/// turn the direction of what follows.
std::string shown_text(std::string_view text);

}  // namespace vmflow
