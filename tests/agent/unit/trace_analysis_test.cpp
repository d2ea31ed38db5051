// SPDX-License-Identifier: GPL-2.0-only
#include "agent/analyze/trace_analysis.h"

#include <gtest/gtest.h>

#include <algorithm>

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
