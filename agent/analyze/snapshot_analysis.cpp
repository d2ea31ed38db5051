// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/snapshot_analysis.h"

#include "agent/analyze/snapshot_folder.h"
#include "agent/analyze/trace_analysis.h"
#include "agent/version.h"
#include "exporters/html_report.h"
#include "exporters/report_json.h"

namespace vmflow {

Result<SnapshotAnalysis> analyze_snapshot(const std::filesystem::path& folder,
                                          const std::function<bool()>& go_on) {
  const std::vector<std::string> paths = {folder.string()};
  const auto aggregate = aggregate_beside(paths);
  if (!aggregate) return tl::unexpected(aggregate.error());
  AnalysisOptions options;
  options.onset_ns = onset_of(folder);
  options.on_progress = [&](const AnalysisProgress&) { return go_on(); };
  auto analysed = analyze_traces(paths, *aggregate ? &**aggregate : nullptr, options);
  if (!analysed) return tl::unexpected(analysed.error());
  if (analysed->interrupted) return failure("it was ended before it was done");
  auto& report = analysed->report;
  report.host.vmflow_version = kVersion;
  add_finding(folder, std::move(analysed->since_onset), report);
  SnapshotAnalysis analysis{.html = html_report(report),
                            .json = report_json(report, {.intervals = false}),
                            .finding = report.finding,
                            .disagreements = {},
                            .events = analysed->events};
  for (const auto& row : report.crosscheck)
    analysis.disagreements.push_back({row.quantity, row.disagreement_ratio});
  return analysis;
}

}  // namespace vmflow
