// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/host_analysis.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/analyze/snapshot_folder.h"
#include "analysis/host_reports.h"
#include "analysis/report_paths.h"

namespace vmflow {
namespace {

Result<TraceAnalysis> analyze_one(const HostFolders& host, AnalysisOptions options) {
  const auto aggregate = aggregate_beside(host.paths);
  if (!aggregate) return tl::unexpected(aggregate.error());
  options.onset_ns = onset_of(host.paths.front());
  auto analysis = analyze_traces(host.paths, *aggregate ? &**aggregate : nullptr, options);
  if (!analysis) return analysis;
  for (const auto& path : host.paths) add_finding(path, analysis->since_onset, analysis->report);
  return analysis;
}

ClockSpan span_of(const TraceReport& report) {
  return {report.window.begin_ns, report.window.end_ns};
}

// What the other host's trace is on this one's clock is known only once its clock is.
HostPair align(const PacketMatch& match, ClockSpan first, ClockSpan second) {
  auto pair = align_hosts(match, first);
  if (pair.alignment.quality == AlignmentQuality::kAbsent) return pair;
  const auto& map = pair.alignment.map;
  return align_hosts(match, {std::min(first.begin_ns, map.to_a(second.begin_ns)),
                             std::max(first.end_ns, map.to_a(second.end_ns))});
}

/// What the recorders did not tell, or what was too much.
void add_left_out(const PacketBook& packets, TraceReport& report) {
  const auto& left_out = packets.left_out();
  const auto add = [&](uint64_t count, const char* why) {
    if (count > 0) report.missing.push_back({fmt::format("{} packets", count), why});
  };
  add(left_out.without_segment, "no TCP, or the recorder did not tell its header");
  add(left_out.impossible, "they claim more bytes than a packet has");
  add(left_out.too_many, "more packets, connections or devices than are kept");
}

}  // namespace

Result<TraceAnalysis> analyze_hosts(const std::vector<HostFolders>& hosts,
                                    const AnalysisOptions& options) {
  if (hosts.size() == 1) return analyze_one(hosts.front(), options);
  auto each = options;
  each.is_one_of_several = true;
  TraceAnalysis all;
  std::vector<HostReport> reports;
  std::vector<HostGraph> graphs;
  for (const auto& host : hosts) {
    auto analysis = analyze_one(host, each);
    if (!analysis) return analysis;
    all.events += analysis->events;
    all.interrupted = all.interrupted || analysis->interrupted;
    reports.push_back({host.name, std::move(analysis->report)});
    add_left_out(analysis->joint.packets, reports.back().report);
    graphs.push_back(std::move(analysis->joint));
  }
  std::vector<HostPair> pairs;
  std::vector<HostMatch> matches;
  for (uint32_t first = 0; first < hosts.size(); first++)
    for (uint32_t second = first + 1; second < hosts.size(); second++) {
      matches.push_back(
          {first, second, match_packets(graphs[first].packets, graphs[second].packets)});
      pairs.push_back(align(matches.back().match, span_of(reports[first].report),
                            span_of(reports[second].report)));
      pairs.back().first = first;
      pairs.back().second = second;
    }
  const auto clocks = chain_clocks(static_cast<uint32_t>(hosts.size()), pairs);
  all.report = merged_report(std::move(reports), clocks, pairs);
  if (all.report.vms.empty() && !options.vm.empty())
    return failure(fmt::format("no VM '{}' in the traces", options.vm));
  const auto joined = join_graphs(std::move(graphs), clocks, matches);
  if (const auto others = add_paths(all.report, joined, options.path))
    return failure(no_worker_text(options.path, *others));
  return all;
}

}  // namespace vmflow
