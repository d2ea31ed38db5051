// SPDX-License-Identifier: GPL-2.0-only
// From the events of a trace to why its VM was slow.
#include <gtest/gtest.h>

#include "analysis/replay_report.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint32_t kHlt = 0x78, kCpuid = 0x72, kIntr = 0x60;
const DrawnThread kVcpu{101, 100, comm_of("CPU 0/KVM")};

DrawnTrace one_vcpu() {
  DrawnTrace trace;
  trace.on(0, kVcpu, 0x1000).at(kSecond, EntryEvent{.vcpu_id = 0});
  return trace;
}

Verdict verdict_on(const DrawnTrace& trace) {
  auto replayed = replay(trace.events, {.vendor = Vendor::kSvm, .outs_told = true});
  const auto report = judged(replay_report(replayed, {}, {}, {}, {}, {}));
  EXPECT_EQ(report.vms.size(), 1u);
  return report.vms.at(0).verdict;
}

/// Exits that take three of five seconds.
Verdict verdict_on_exits(uint32_t code) {
  auto trace = one_vcpu();
  for (uint64_t i = 1; i < 1000; i++)
    trace.exit(kSecond + i * 5'000'000 - 3'000'000, code).entry(kSecond + i * 5'000'000);
  return verdict_on(trace);
}

}  // namespace

// A vCPU that ticks while its disk is slow is woken by its timer.
TEST(TraceVerdict, a_sleep_with_a_request_in_flight_is_a_wait_for_the_disk) {
  auto trace = one_vcpu();
  trace.exit(2 * kSecond, kHlt);
  trace.at(2 * kSecond,
           VcpuOutEvent{.state = FLOW_HALTED, .block = FLOW_BLOCK_OTHER, .throttled = false});
  trace.at(10 * kSecond,
           VcpuInEvent{.in_kvm_run = true, .disk_pending_ns = 6 * kSecond, .net_pending_ns = 0});
  trace.entry(10 * kSecond).exit(11 * kSecond, kCpuid);
  const auto verdict = verdict_on(trace);
  EXPECT_EQ(verdict.cause, Cause::kUnknown);
  EXPECT_EQ(verdict.cost_ns, 6 * kSecond);
  EXPECT_EQ(verdict.sentence,
            "Waits for its disk 60 % of its time (6.00 s): whose fault that is is not known.");
}

TEST(TraceVerdict, exits_that_it_makes_are_a_storm_and_those_of_interrupts_are_none) {
  const auto storm = verdict_on_exits(kCpuid);
  EXPECT_EQ(storm.cause, Cause::kOwnLoad);
  EXPECT_EQ(storm.sentence.find("An exit storm of its own: 999 cpuid exits take 60 % of its CPU"),
            0u)
      << storm.sentence;
  const auto interrupted = verdict_on_exits(kIntr);
  EXPECT_EQ(interrupted.sentence.find("Works 100 % of its time"), 0u) << interrupted.sentence;
}

}  // namespace vmflow::test
