// SPDX-License-Identifier: GPL-2.0-only
// What only a trace can give: which vCPU was in which state from when to when, and why.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

constexpr uint32_t kHlt = 0x78, kIntr = 0x60;
const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")}, kTask{300, 300, comm_of("make")};
constexpr const char* kStates[] = {"guest", "nested",    "kvm",     "vmm",    "halt_poll", "halted",
                                   "ready", "throttled", "blocked", "paused", "unknown"};

/// One line for each interval: from, to, state, exit or wait.
std::vector<std::string> lines_of(const ReplayResult& result) {
  std::vector<std::string> lines;
  for (const auto& i : result.vcpus.at(0).intervals) {
    std::string line = fmt::format("{} {} {}", i.begin_ns, i.end_ns, kStates[i.state]);
    if (i.exit_index < FLOW_EXIT_CODES) line += fmt::format(" exit {:x}", i.exit_index);
    if (i.wait != FLOW_WAKE_KINDS) line += fmt::format(" wait {}", static_cast<uint32_t>(i.wait));
    lines.push_back(line);
  }
  return lines;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST(ReplayTimeline, tells_polling_from_host_time_once_kvm_has) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(100).exit(200, kHlt).to(500, kIdle, 1);
  trace.on(3, kTask).at(900, WakeEvent{.tid = kVcpu.tid, .waker = flow_waker(1, FLOW_WAKE_IPI)});
  trace.on(0, kIdle).to(910, kVcpu, 0);
  trace.at(930, HaltEndEvent{.halt_ns = 700, .polled_ns = 250, .waited = true, .valid = true})
      .entry(950);
  const auto result = replay(trace.events);
  EXPECT_EQ(lines_of(result),
            (Lines{"100 200 guest", "200 250 kvm exit 78", "250 500 halt_poll exit 78",
                   "500 900 halted wait 3", "900 910 ready", "910 950 kvm exit 78"}));
  expect_conserved(result);
}

TEST(ReplayTimeline, names_host_time_after_a_preempted_guest_by_the_exit_that_follows) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(100).to(200, kTask, 0).to(300, kVcpu, 0).to(320, kTask, 0);
  trace.to(400, kVcpu, 0).exit(410, kIntr).entry(430);
  const auto result = replay(trace.events);
  EXPECT_EQ(lines_of(result), (Lines{"100 200 guest", "200 300 ready", "300 320 kvm exit 60",
                                     "320 400 ready", "400 430 kvm exit 60"}));
  expect_conserved(result);
}

TEST(ReplayTimeline, writes_a_wait_back_over_all_of_it_when_its_reason_shows) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(100).exit(200, kHlt).to(210, kIdle, 1);
  trace.at(590, IrqEvent{.begins = true}).wakes(600, kVcpu, 0).at(605, IrqEvent{.begins = false});
  trace.to(610, kVcpu, 0).accept(620, 0).entry(630);
  const auto result = replay(trace.events);
  EXPECT_EQ(lines_of(result)[2], "210 600 halted wait 2") << "its timer";
  EXPECT_TRUE(result.vcpus[0].id_told) << "by what it has accepted itself";
  expect_conserved(result);
}

TEST(ReplayTimeline, ends_with_what_is_open_at_the_end_of_the_trace) {
  DrawnTrace trace;
  trace.on(0, kVcpu).entry(100).exit(200, kHlt).to(210, kIdle, 1).on(3, kTask).to(1000, kIdle, 0);
  EXPECT_EQ(lines_of(replay(trace.events)),
            (Lines{"100 200 guest", "200 210 kvm exit 78", "210 1000 halted"}));
}

TEST(ReplayTimeline, counts_what_is_too_much_to_keep) {
  DrawnTrace trace;
  trace.on(0, kVcpu);
  for (uint64_t i = 1; i <= 1000; i++) trace.entry(i * 100).exit(i * 100 + 50, kIntr);
  const auto result = replay(trace.events, {.max_intervals = 10});
  EXPECT_EQ(result.vcpus[0].intervals.size(), 10u);
  EXPECT_EQ(result.vcpus[0].left_out, 1999u - 10u);
  EXPECT_EQ(flow_of(result, kVcpu.tid).exits[kIntr].count, 1000u) << "the sums are whole";
}

}  // namespace vmflow::test
