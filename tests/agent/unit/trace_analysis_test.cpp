// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/trace_analysis.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "agent/trigger/ctf_writer.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

/// Two VMs, processes 10 and 20: each leaves its guest for a CPUID every second, from the first to
/// the tenth.
struct Recorded {
  TemporaryFolder folder;
  std::string path = folder.path() + "/trace";

  /// Of the second VM's CPU the buffer reaches back to `second_from` only.
  explicit Recorded(uint64_t second_from = 1) {
    std::vector<Event> events;
    for (uint64_t second = 1; second <= 10; second++)
      for (const uint32_t tgid : {10u, 20u}) {
        if (tgid == 20 && second < second_from) continue;
        Event event{.ns = second * kSecond,
                    .cpu = tgid / 20,
                    .tid = tgid + 1,
                    .tgid = tgid,
                    .kvm = tgid,
                    .data = ExitEvent{.code = 0x72, .isa = FLOW_ISA_SVM, .vcpu_id = 0}};
        events.push_back(event);
        event.ns += kSecond / 4;
        event.data = EntryEvent{0};
        events.push_back(event);
      }
    const auto written = write_ctf(path, events, CtfWriteOptions{});
    EXPECT_TRUE(written) << written.error().message;
  }
  TraceAnalysis analyze(const AnalysisOptions& options) const {
    auto analysis = analyze_traces({folder.path()}, nullptr, options);
    EXPECT_TRUE(analysis) << analysis.error().message;
    return analysis ? std::move(*analysis) : TraceAnalysis{};
  }
};

/// A vCPU that halts until a vhost worker wakes it, which a host task has woken.
std::vector<Event> waits_over_vhost() {
  constexpr uint32_t kVcpu = 11, kVhost = 12, kTask = 77;
  std::vector<Event> events;
  const auto add = [&](double seconds, uint32_t cpu, uint32_t tid, EventData data) {
    const uint32_t tgid = tid == kTask ? kTask : tid == 0 ? 0 : 10;
    events.push_back({.ns = static_cast<uint64_t>(seconds * 1e9),
                      .cpu = cpu,
                      .tid = tid,
                      .tgid = tgid,
                      .kvm = tid == kVcpu ? 10u : 0u,
                      .data = std::move(data)});
  };
  const auto change = [](uint32_t from, uint32_t to, int64_t state) {
    return SwitchEvent{.prev_tid = from,
                       .next_tid = to,
                       .prev_state = state,
                       .preempted = false,
                       .prev_comm = from == kVhost ? Comm{"vhost-10"} : Comm{},
                       .next_comm = to == kVhost ? Comm{"vhost-10"} : Comm{}};
  };
  const auto exit = [](uint32_t code) {
    return ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .vcpu_id = 0};
  };
  add(1, 0, kVcpu, EntryEvent{0});
  add(1, 1, 0, change(0, kVhost, 0));
  add(2, 0, kVcpu, exit(0x78));
  add(2.5, 0, kVcpu, change(kVcpu, 0, 1));
  add(2.5, 0, kVcpu, VcpuOutEvent{FLOW_HALTED, FLOW_BLOCK_OTHER, false});
  add(3, 1, kVhost, change(kVhost, kTask, 1));
  add(5.5, 1, kTask, WakingEvent{.tid = kVhost, .target_cpu = 1, .comm = {}});
  add(6, 1, kTask, change(kTask, kVhost, 1));
  add(7.5, 1, kVhost, WakingEvent{.tid = kVcpu, .target_cpu = 0, .comm = {}});
  add(7.5, 1, kVhost, WakeEvent{kVcpu, flow_waker(kVhost, FLOW_WAKE_VHOST)});
  add(8, 0, 0, change(0, kVcpu, 0));
  add(8, 0, kVcpu, VcpuInEvent{true, 0, 0});
  add(8.5, 0, kVcpu, EntryEvent{0});
  add(9, 0, kVcpu, exit(0x72));
  return events;
}

/// "77 running 3.0-5.5", … from the path of the only VM, times in seconds.
std::vector<std::string> path_over_vhost(const std::string& tracer) {
  const TemporaryFolder folder;
  const auto path = folder.path() + "/trace";
  EXPECT_TRUE(write_ctf(path, waits_over_vhost(), CtfWriteOptions{}));
  const auto file = path + "/metadata";
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  auto metadata = text.str();
  const std::string own = "tracer_name = \"vmflow\"";
  const auto at = metadata.find(own);
  EXPECT_NE(at, std::string::npos);
  if (at != std::string::npos) metadata.replace(at, own.size(), "tracer_name = \"" + tracer + "\"");
  std::ofstream(file, std::ios::binary) << metadata;
  const auto analysis = analyze_traces({folder.path()}, nullptr, {});
  EXPECT_TRUE(analysis) << analysis.error().message;
  std::vector<std::string> lines;
  if (!analysis || analysis->report.vms.empty() || !analysis->report.vms[0].path) return lines;
  const auto& report = *analysis->report.vms[0].path;
  for (const auto& each : report.path.stretches)
    lines.push_back(fmt::format("{} {} {:.1f}-{:.1f}", report.workers[each.worker].tid,
                                doing_name(each.doing), static_cast<double>(each.begin_ns) / 1e9,
                                static_cast<double>(each.end_ns) / 1e9));
  return lines;
}

uint64_t exits_of(const TraceReport& report) {
  uint64_t sum = 0;
  for (const auto& vm : report.vms)
    for (const auto& exit : vm.flow.exits) sum += exit.count;
  return sum;
}

}  // namespace

TEST(TraceAnalysis, tells_of_all_of_it) {
  const auto analysis = Recorded().analyze({});
  EXPECT_EQ(analysis.report.vms.size(), 2u);
  EXPECT_EQ(exits_of(analysis.report), 20u);
  EXPECT_FALSE(analysis.interrupted);
  EXPECT_TRUE(analysis.report.crosscheck.empty());
}

TEST(TraceAnalysis, tells_of_a_part_of_the_time_and_does_not_call_that_interrupted) {
  const auto analysis = Recorded().analyze({.from_seconds = 2.9, .to_seconds = 5.5});
  EXPECT_EQ(exits_of(analysis.report), 6u) << "those at 3, 4 and 5 s";
  EXPECT_EQ(analysis.report.window.begin_ns, 4 * kSecond);
  EXPECT_EQ(analysis.report.window.end_ns, 6 * kSecond + kSecond / 4);
  EXPECT_FALSE(analysis.interrupted);
}

TEST(TraceAnalysis, begins_where_the_buffers_of_all_cpus_reach_back_to) {
  const auto analysis = Recorded(4).analyze({});
  EXPECT_EQ(exits_of(analysis.report), 2 * 7u);
  EXPECT_EQ(analysis.report.window.begin_ns, 4 * kSecond);
  const auto& missing = analysis.report.missing;
  EXPECT_TRUE(std::ranges::any_of(
      missing, [](const MissingResult& one) { return one.result == "what was before: 6 events"; }));
}

TEST(TraceAnalysis, tells_of_one_vm) {
  const auto analysis = Recorded().analyze({.vm = "20"});
  ASSERT_EQ(analysis.report.vms.size(), 1u);
  EXPECT_EQ(analysis.report.vms[0].flow.pid, 20u);
  const auto none = analyze_traces({Recorded().folder.path()}, nullptr, {.vm = "30"});
  EXPECT_FALSE(none);
}

TEST(TraceAnalysis, tells_of_what_happened_since_the_onset_by_itself) {
  const auto analysis = Recorded().analyze({.onset_ns = 8 * kSecond});
  EXPECT_EQ(exits_of(analysis.report), 20u);
  EXPECT_EQ(exits_of(analysis.since_onset), 6u);
}

TEST(TraceAnalysis, has_a_critical_path_for_every_vm_and_for_whom_it_is_asked) {
  const auto analysis = Recorded().analyze({.path = "20/vcpu0"});
  for (const auto& vm : analysis.report.vms) {
    ASSERT_TRUE(vm.path);
    EXPECT_EQ(vm.path->path.begin_ns, analysis.report.window.begin_ns);
    EXPECT_EQ(vm.path->path.end_ns, analysis.report.window.end_ns);
  }
  ASSERT_TRUE(analysis.report.path);
  EXPECT_EQ(analysis.report.path->workers[0].tid, 21u);
}

TEST(TraceAnalysis, follows_threads_of_the_host_where_the_trace_has_all_switches) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(path_over_vhost("lttng-modules"),
            (Lines{"11 running 1.0-2.0", "11 running 2.0-2.5", "12 running 2.5-3.0",
                   "77 running 3.0-5.5", "12 ready 5.5-6.0", "12 running 6.0-7.5",
                   "11 ready 7.5-8.0", "11 running 8.0-8.5", "11 running 8.5-9.0"}));
  EXPECT_EQ(path_over_vhost("vmflow"),
            (Lines{"11 running 1.0-2.0", "11 running 2.0-2.5", "11 net 2.5-7.5", "11 ready 7.5-8.0",
                   "11 running 8.0-8.5", "11 running 8.5-9.0"}));
}

TEST(TraceAnalysis, says_whose_critical_paths_there_are) {
  const Recorded recorded;
  const auto none = analyze_traces({recorded.folder.path()}, nullptr, {.path = "20/vcpu7"});
  ASSERT_FALSE(none);
  EXPECT_TRUE(none.error().message.starts_with("no worker '20/vcpu7' in the trace; there are: "));
  EXPECT_NE(none.error().message.find("/vcpu0, "), std::string::npos) << none.error().message;
}

TEST(TraceAnalysis, that_is_told_to_end_is_interrupted) {
  const Recorded recorded;
  const auto analysis = analyze_traces({recorded.folder.path()}, nullptr,
                                       {.on_progress = [](const auto&) { return false; }});
  ASSERT_TRUE(analysis);
  EXPECT_TRUE(analysis->interrupted);
}

TEST(TraceAnalysis, of_a_folder_without_a_trace_is_one_error) {
  const TemporaryFolder empty;
  EXPECT_FALSE(analyze_traces({empty.path()}, nullptr, {}));
}

}  // namespace vmflow::test
