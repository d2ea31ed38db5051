// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/host_reports.h"

#include <algorithm>
#include <iterator>

namespace vmflow {
namespace {

/// Everything that has a time, onto the first host's clock.
void move_times(TraceReport& report, const ClockMap& map) {
  const auto move = [&](uint64_t& ns) { ns = map.to_a(ns); };
  for (auto& mark : report.marks) move(mark.ns);
  for (auto& vm : report.vms) {
    for (auto& vcpu : vm.vcpus) {
      for (auto& interval : vcpu.intervals) {
        move(interval.begin_ns);
        move(interval.end_ns);
      }
      for (auto& wake : vcpu.wakes) move(wake.ns);
    }
    if (vm.nested)
      for (auto& vcpu : vm.nested->vcpus)
        for (auto& stretch : vcpu.stretches) {
          move(stretch.begin_ns);
          move(stretch.end_ns);
        }
    if (!vm.processes) continue;
    for (auto& process : vm.processes->processes) {
      move(process.first_ns);
      move(process.last_ns);
    }
    for (auto& stretch : vm.processes->stretches) {
      move(stretch.begin_ns);
      move(stretch.end_ns);
    }
  }
  move(report.window.begin_ns);
  move(report.window.end_ns);
}

void leave_out_times(TraceReport& report) {
  report.marks.clear();
  for (auto& vm : report.vms) {
    if (vm.processes) vm.contention = contention_of(*vm.processes);
    vm.processes.reset();  // their times mean nothing here
    if (vm.nested)
      for (auto& vcpu : vm.nested->vcpus) vcpu.stretches.clear();
    for (auto& vcpu : vm.vcpus) {
      vcpu.left_out += vcpu.intervals.size();
      vcpu.intervals.clear();
      vcpu.wakes.clear();
    }
  }
}

/// Names that another host may have too.
void name_host(HostReport& host) {
  for (auto& vm : host.report.vms) {
    vm.host = host.name;
    vm.flow.name = shown_name(vm.flow) + " on " + host.name;
  }
  for (auto& missing : host.report.missing) missing.result = host.name + ": " + missing.result;
  for (auto& row : host.report.crosscheck) row.quantity = host.name + ": " + row.quantity;
  for (auto& text : host.report.crosscheck_left_out) text = host.name + ": " + text;
  for (auto& anomaly : host.report.anomalies) anomaly.name = host.name + ": " + anomaly.name;
}

template <typename T>
void append(std::vector<T>& to, std::vector<T>& from) {
  std::ranges::move(from, std::back_inserter(to));
}

void add_intervals_details(TraceReport& report, const std::vector<std::string>& details,
                           DetailTable& table) {
  for (auto& vm : report.vms)
    for (auto& vcpu : vm.vcpus)
      for (auto& interval : vcpu.intervals)
        if (interval.detail < details.size())
          interval.detail = table.place(details[interval.detail]);
}

ReportHostClock shown_clock(const std::vector<HostReport>& hosts, uint32_t at,
                            const HostClock& clock, std::span<const HostPair> pairs) {
  ReportHostClock shown;
  shown.host = hosts[at].name;
  shown.against = hosts[clock.via].name;
  shown.quality = "absent: no packet was seen on both hosts";
  const auto lower = std::min(at, clock.via), upper = std::max(at, clock.via);
  for (const auto& pair : pairs) {
    if (pair.first != lower || pair.second != upper) continue;
    shown.quality = alignment_quality_text(pair.alignment);
    const bool is_forward = pair.second == at;
    shown.packets_there = is_forward ? pair.alignment.a_to_b : pair.alignment.b_to_a;
    shown.packets_back = is_forward ? pair.alignment.b_to_a : pair.alignment.a_to_b;
    shown.contradicting = pair.alignment.contradicting + pair.alignment.impossible;
    for (uint32_t i = 0; i < kPacketOutcomes; i++)
      if (pair.outcomes[i] > 0)
        shown.outcomes.push_back(
            {std::string(packet_outcome_text(static_cast<PacketOutcome>(i))), pair.outcomes[i]});
  }
  if (clock.quality == AlignmentQuality::kAbsent) return shown;
  const auto begin_ns = hosts[0].report.window.begin_ns;
  shown.offset_ns = static_cast<int64_t>(clock.map.to_b(begin_ns) - begin_ns);
  shown.drift = clock.map.drift;
  if (clock.quality == AlignmentQuality::kAccurate) shown.accuracy_ns = clock.accuracy_ns;
  return shown;
}

}  // namespace

TraceReport merged_report(std::vector<HostReport> hosts, std::span<const HostClock> clocks,
                          std::span<const HostPair> pairs) {
  std::vector<ReportHostClock> shown;
  for (uint32_t i = 1; i < hosts.size(); i++)
    shown.push_back(shown_clock(hosts, i, clocks[i], pairs));
  DetailTable details;
  std::vector<VmNames> names;
  std::vector<std::string> host_names;
  for (uint32_t i = 0; i < hosts.size(); i++) {
    auto& report = hosts[i].report;
    name_host(hosts[i]);
    names.push_back(std::move(report.names));
    host_names.push_back(hosts[i].name);
    if (i > 0 && clocks[i].quality != AlignmentQuality::kAbsent)
      move_times(report, clocks[i].map);
    else if (i > 0)
      leave_out_times(report);
    add_intervals_details(report, report.details, details);
  }
  TraceReport all = std::move(hosts[0].report);
  all.host.name = hosts[0].name;
  for (uint32_t i = 1; i < hosts.size(); i++) {
    auto& report = hosts[i].report;
    append(all.marks, report.marks);
    append(all.sources, report.sources);
    append(all.missing, report.missing);
    append(all.vms, report.vms);
    append(all.crosscheck, report.crosscheck);
    append(all.crosscheck_left_out, report.crosscheck_left_out);
    append(all.anomalies, report.anomalies);
    if (clocks[i].quality == AlignmentQuality::kAbsent) {
      all.missing.push_back(
          {"the times of " + hosts[i].name, "its clock is not known: " + shown[i - 1].quality});
      continue;
    }
    all.window.end_ns = std::max(all.window.end_ns, report.window.end_ns);
    if (report.window.begin_ns >= all.window.begin_ns) continue;
    if (all.window.begin_unix_ns)
      *all.window.begin_unix_ns -= all.window.begin_ns - report.window.begin_ns;
    all.window.begin_ns = report.window.begin_ns;
  }
  all.details = std::move(details).take();
  all.names = joined_names(std::move(names), std::move(host_names));
  all.host_clocks = std::move(shown);
  all.finding.clear();
  return judged(std::move(all));
}

}  // namespace vmflow
