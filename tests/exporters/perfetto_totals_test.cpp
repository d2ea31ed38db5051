// SPDX-License-Identifier: GPL-2.0-only
// Reports of every kind: each becomes a trace in which nothing is against the format, and whose
// sums are the report's, to the nanosecond.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <set>

#include "analysis/build_graph.h"
#include "analysis/flow_names.h"
#include "analysis/host_reports.h"
#include "analysis/replay_report.h"
#include "analysis/report_paths.h"
#include "exporters/perfetto_json.h"
#include "exporters/report_tables.h"
#include "tests/analysis/drawn_crowd.h"
#include "tests/exporters/hand_made_report.h"
#include "tests/exporters/trace_event_format.h"

namespace vmflow::test {
namespace {

/// By who or what, in words. Units: nanoseconds.
using Sums = std::map<std::string, uint64_t>;

struct Kind {
  std::string name;
  std::function<TraceReport()> report;
};

TraceReport with_path() {
  auto report = small_report();
  report.path = report.vms[0].path;
  return report;
}

/// Two VMs whose vCPUs share few CPUs, and whose processes wander over the vCPUs.
std::vector<Event> crowd(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Event> events;
  for (const auto& event : DrawnCrowd(seed, {.told = true, .vcpus = 8}).events(2000)) {
    events.push_back(event);
    if (!std::holds_alternative<ExitEvent>(event.data)) continue;
    events.push_back(event);
    events.back().data =
        RegistersEvent{.cr3 = 0x1000 + 0x2000 * (random() % 3), .rsp = 0x7fff'0000'1000, .cpl = 3};
  }
  return events;
}

struct Host {
  TraceReport report;
  ExecutionGraph graph;

  explicit Host(uint32_t seed) {
    ThreadFlow threads;
    const auto events = crowd(seed);
    for (const auto& event : events) threads.step(event);
    const auto replayed = replay(events);
    const auto processes = guest_processes(replayed);
    graph = build_graph(replayed, processes, std::move(threads).finish());
    report = replay_report(replayed, {}, {}, processes, nested_lives(replayed), {});
  }
};

TraceReport with_processes_on_several_vcpus() {
  Host host(1);
  auto report = judged(std::move(host.report));
  EXPECT_FALSE(add_paths(report, joined_graph(std::move(host.graph)), ""));
  return report;
}

/// Processes, threads and VMs have the same numbers on both, and the second one's clock is ahead.
TraceReport of_two_hosts(AlignmentQuality quality) {
  Host here(2), there(3);
  std::vector<HostClock> clocks(2);
  clocks[0].quality = AlignmentQuality::kAccurate;
  clocks[1].quality = quality;
  clocks[1].map = {.base_ns = 0, .offset_ns = 400, .drift = 1e-5};
  std::vector<HostGraph> graphs{{.graph = here.graph, .packets = {}},
                                {.graph = there.graph, .packets = {}}};
  auto report = merged_report(
      {{"rack-1", judged(std::move(here.report))}, {"rack-2", judged(std::move(there.report))}},
      clocks, {});
  EXPECT_FALSE(add_paths(report, join_graphs(std::move(graphs), clocks, {}), ""));
  return report;
}

/// Wake-ups and path arrows at the very moments at which slices begin and end, and at none.
TraceReport with_arrows_at_every_edge() {
  auto report = small_report();
  const auto begin = report.window.begin_ns;
  const auto at = [&](uint64_t us) { return begin + us * 1000; };
  auto& vm = report.vms[0];
  vm.vcpus = {{.vcpu_id = 0,
               .tid = 4712,
               .intervals = {{at(0), at(10), FLOW_GUEST, 0},
                             {at(10), at(20), FLOW_KVM, 0},
                             {at(30), at(40), FLOW_GUEST, 0}}},
              {.vcpu_id = 1,
               .tid = 4713,
               .intervals = {{at(0), at(10), FLOW_GUEST, 0},
                             {at(20), at(30), FLOW_KVM, 0},
                             {at(30), at(40), FLOW_GUEST, 0}}}};
  for (const uint64_t us : {0, 5, 10, 15, 20, 25, 30, 40, 50})
    for (auto& vcpu : vm.vcpus) vcpu.wakes.push_back({at(us), 1 - vcpu.vcpu_id});
  auto& path = *vm.path;
  path.workers = {{WorkerKind::kVcpu, "vCPU 0 of web", vm.flow.label, "web", 0, 4712},
                  {WorkerKind::kVcpu, "vCPU 1 of web", vm.flow.label, "web", 1, 4713}};
  path.path.stretches.clear();
  path.path.parts = {{0, kNoWorker, Doing::kRunning, 1, 25'000, 5},
                     {1, kNoWorker, Doing::kRunning, 1, 20'000, 4}};
  for (uint32_t i = 0; i < 9; i++)
    path.path.stretches.push_back({i % 2, at(5 * i), at(5 * i + 5), kNoWorker, Doing::kRunning, 1});
  return report;
}

TraceReport from_before_its_window() {
  auto report = small_report();
  report.window.begin_ns += 2'000'000'001;
  return report;
}

std::string process_of(const ReportVm& vm) {
  return shown_text(shown_name(vm.flow)) + " (pid " + std::to_string(vm.flow.pid) + ")";
}

/// Those of one category, by `key`.
Sums drawn(const std::vector<DrawnSlice>& slices, std::string_view category,
           const std::function<std::string(const DrawnSlice&)>& key) {
  Sums sums;
  for (const auto& slice : slices)
    if (slice.category == category) sums[slice.process + ", " + key(slice)] += slice.ns;
  return sums;
}

Sums vcpu_states(const TraceReport& report) {
  Sums sums;
  for (const auto& vm : report.vms)
    for (const auto& vcpu : vm.vcpus)
      for (const auto& each : vcpu.intervals)
        sums[fmt::format("{}, vCPU {}, {}", process_of(vm), vcpu.vcpu_id,
                         state_name(each.state).name)] += each.end_ns - each.begin_ns;
  return sums;
}

Sums guest_processes_of(const TraceReport& report) {
  Sums sums;
  for (const auto& vm : report.vms)
    if (vm.processes)
      for (const auto& each : vm.processes->stretches)
        sums[process_of(vm) + ", " + process_name(vm.processes->processes[each.process].key)] +=
            each.end_ns - each.begin_ns;
  return sums;
}

/// What the path's ranking says, not its stretches.
void add_workers(Sums& sums, const std::string& process, const ReportPath& path) {
  for (const auto& part : path.path.parts)
    sums[process + ", " + shown_text(path.workers[part.worker].name)] += part.ns;
}

Sums path_workers(const TraceReport& report) {
  Sums sums;
  for (const auto& vm : report.vms)
    if (vm.path) add_workers(sums, process_of(vm), *vm.path);
  if (report.path)
    add_workers(sums, "critical path of " + report.path->workers[0].name, *report.path);
  return sums;
}

Sums nested_vcpus_of(const TraceReport& report) {
  Sums sums;
  for (const auto& vm : report.vms)
    for (const auto& vcpu : vm.nested ? vm.nested->vcpus : std::vector<NestedVcpu>{})
      for (const auto& each : vcpu.stretches)
        sums[fmt::format("{}, L{} {:x}, {}", process_of(vm), vcpu.level, vcpu.vmcb12,
                         nested_state_name(each.state))] += each.end_ns - each.begin_ns;
  return sums;
}

/// "cr3:1000 (2)" is a second track of "cr3:1000".
std::string first_track(const DrawnSlice& slice) {
  return slice.track.substr(0, slice.track.find(" ("));
}

class PerfettoTotals : public testing::TestWithParam<Kind> {};

}  // namespace

TEST_P(PerfettoTotals, are_the_reports_in_a_file_without_faults) {
  const auto report = GetParam().report();
  const auto text = perfetto_json(report);
  EXPECT_EQ(trace_event_faults(text), std::vector<std::string>{});
  const auto slices = drawn_slices(text);
  EXPECT_FALSE(slices.empty());
  EXPECT_EQ(drawn(slices, "vcpu",
                  [](const DrawnSlice& slice) { return slice.track + ", " + slice.name; }),
            vcpu_states(report));
  EXPECT_EQ(drawn(slices, "process", first_track), guest_processes_of(report));
  EXPECT_EQ(drawn(slices, "nested",
                  [](const DrawnSlice& slice) { return slice.track + ", " + slice.name; }),
            nested_vcpus_of(report));
  EXPECT_EQ(drawn(slices, "path",
                  [](const DrawnSlice& slice) { return slice.args["worker"].get<std::string>(); }),
            path_workers(report));
}

INSTANTIATE_TEST_SUITE_P(
    Reports, PerfettoTotals,
    testing::Values(Kind{"small", small_report}, Kind{"with_the_path_asked_for", with_path},
                    Kind{"hostile", [] { return large_report(5000); }},
                    Kind{"processes_on_several_vcpus", with_processes_on_several_vcpus},
                    Kind{"two_hosts", [] { return of_two_hosts(AlignmentQuality::kAccurate); }},
                    Kind{"two_hosts_without_a_common_clock",
                         [] { return of_two_hosts(AlignmentQuality::kAbsent); }},
                    Kind{"arrows_at_every_edge", with_arrows_at_every_edge},
                    Kind{"before_its_window", from_before_its_window}),
    [](const auto& info) { return info.param.name; });

TEST(PerfettoTotals, are_none_of_a_report_of_nothing) {
  const auto text = perfetto_json({});
  EXPECT_EQ(trace_event_faults(text), std::vector<std::string>{});
  EXPECT_TRUE(drawn_slices(text).empty());
}

// So that the reports above show what they are for.
TEST(PerfettoTotals, are_of_processes_that_have_several_vcpus_at_once) {
  for (const auto& report :
       {with_processes_on_several_vcpus(), of_two_hosts(AlignmentQuality::kAccurate)}) {
    std::set<std::string> tracks, further;
    for (const auto& slice : drawn_slices(perfetto_json(report))) {
      if (slice.category != "process") continue;
      tracks.insert(slice.process + slice.track);
      if (slice.track.ends_with(" (3)")) further.insert(slice.process + slice.track);
    }
    EXPECT_GE(tracks.size(), 3u * report.vms.size());
    EXPECT_FALSE(further.empty()) << "on three at once";
    for (const auto& vm : report.vms) EXPECT_TRUE(vm.path) << shown_name(vm.flow);
  }
}

}  // namespace vmflow::test
