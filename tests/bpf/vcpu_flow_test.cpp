// SPDX-License-Identifier: GPL-2.0-only
// The state machine, natively.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <thread>

#include "tests/bpf/flow_tables.h"

namespace vmflow::test {

void PrintTo(const FlowTable& table, std::ostream* os) {
  *os << table.name;
}
void PrintTo(const Sums& s, std::ostream* os) {
  *os << "guest " << s.guest << " kvm " << s.kvm << " vmm " << s.vmm << " halt_poll " << s.halt_poll
      << " halted " << s.halted << " ready " << s.ready << " vmm_blocked " << s.vmm_blocked
      << " unknown " << s.unknown << " held " << s.held;
}

class FlowTables : public testing::TestWithParam<FlowTable> {};

TEST_P(FlowTables, add_up) {
  vcpu_flow flow{};
  vcpu_mailbox mailbox{};
  for (const auto& step : GetParam().steps) flow_play_step(&flow, &mailbox, &step);
  EXPECT_EQ(sums_of(flow), GetParam().sums);
  EXPECT_EQ(exits_of(flow), GetParam().exits);
  EXPECT_EQ(std::vector<uint64_t>(flow.anomaly, flow.anomaly + FLOW_ANOMALIES),
            GetParam().anomalies);
  EXPECT_EQ(std::vector<uint64_t>(flow.wait_ns, flow.wait_ns + FLOW_WAKE_KINDS),
            waits_of(GetParam()));
  EXPECT_EQ(flow.unsettled_ns, GetParam().unsettled);
  EXPECT_EQ(flow.disk_pending_ns, GetParam().io_pending);
  EXPECT_EQ(std::vector<uint64_t>(flow.block_ns, flow.block_ns + FLOW_BLOCKS),
            blocks_of(GetParam()));
  EXPECT_EQ(std::vector<uint64_t>(flow.culprit_ns, flow.culprit_ns + FLOW_CULPRITS),
            culprits_of(GetParam()));
}

TEST_P(FlowTables, conserve_time) {
  vcpu_flow flow{};
  vcpu_mailbox mailbox{};
  for (const auto& step : GetParam().steps) {
    flow_play_step(&flow, &mailbox, &step);
    uint64_t sum = flow.held_ns;
    for (auto ns : flow.ns) sum += ns;
    EXPECT_EQ(sum, flow.last_ns - flow.first_ns);
    uint64_t waits = flow.unsettled_ns;
    for (auto ns : flow.wait_ns) waits += ns;
    EXPECT_EQ(waits, flow.ns[FLOW_HALTED]);
    EXPECT_LE(flow.woken_ns, flow.ns[FLOW_READY]);
    for (uint32_t i = 0; i < FLOW_EXIT_BUCKETS; i++) EXPECT_LE(flow.woken[i], flow.queued[i]);
    uint64_t ready = 0;
    for (auto ns : flow.culprit_ns) ready += ns;
    EXPECT_EQ(ready, flow.ns[FLOW_READY] + flow.blamed_ns);
  }
}

INSTANTIATE_TEST_SUITE_P(VcpuFlow, FlowTables, testing::ValuesIn(flow_tables()),
                         [](const auto& info) { return info.param.name; });

TEST(VcpuMailbox, concurrent_wakers_never_tear_an_entry) {
  vcpu_mailbox mailbox{};
  auto waker = [&](uint64_t id) {
    for (uint64_t i = 1; i <= 20000; i++) flow_post_wake(&mailbox, i * 4 + id, i * 4 + id);
  };
  std::thread a(waker, 0), b(waker, 1);
  a.join();
  b.join();
  uint32_t kind = 0;
  EXPECT_EQ(mailbox.posted, 40000u);
  for (const auto& wake : mailbox.wake) EXPECT_EQ(wake.ns, wake.waker);
  EXPECT_EQ(flow_wake_of(&mailbox, 0, &kind) / 4, 20000u);
}

// By an interrupt of the host: what it was shows after the vCPU runs again.
TEST(WaitDurations, of_a_wait_that_is_told_late_are_those_of_its_reason) {
  for (const bool accepted : {true, false}) {
    constexpr uint64_t kHalt = 0x78, kWait = 5'000'000;
    vcpu_flow flow{};
    vcpu_mailbox mailbox{};
    std::vector<flow_step> steps = {{100, STEP_ENTRY, 0, 0},
                                    {150, STEP_EXIT, 1, kHalt},
                                    {200, STEP_OUT, 0, FLOW_HALTED},
                                    {200 + kWait, STEP_WAKE, 0, flow_waker(1, FLOW_WAKE_HARDIRQ)},
                                    {200 + kWait + 10, STEP_IN, 0, 1},
                                    {200 + kWait + 20, STEP_HALT_END, 1, 0}};
    if (accepted) steps.push_back({200 + kWait + 30, STEP_ACCEPT, 0, 0});
    for (const auto& step : steps) flow_play_step(&flow, &mailbox, &step);
    EXPECT_EQ(flow.unsettled_ns, accepted ? 0 : kWait);
    const flow_step entry = {200 + kWait + 40, STEP_ENTRY, 0, 0};
    flow_play_step(&flow, &mailbox, &entry);
    for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++)
      for (uint32_t bucket = 0; bucket < FLOW_WAIT_BUCKETS; bucket++)
        EXPECT_EQ(flow.waited[kind][bucket],
                  kind == (accepted ? FLOW_WAKE_OWN_INTERRUPT : FLOW_WAKE_HARDIRQ) &&
                      bucket == flow_wait_bucket(kWait));
  }
}

TEST(FlowBucket, splits_at_powers_of_two) {
  EXPECT_EQ(flow_bucket(0), 0u);
  EXPECT_EQ(flow_bucket(511), 0u);
  EXPECT_EQ(flow_bucket(512), 1u);
  EXPECT_EQ(flow_bucket(1023), 1u);
  EXPECT_EQ(flow_bucket(1024), 2u);
  EXPECT_EQ(flow_bucket(~0ull), FLOW_EXIT_BUCKETS - 1);
}

// The table of a byte's logarithms against counting bits, at and beside every power of two.
TEST(FlowBucket, is_the_logarithm_everywhere) {
  for (unsigned power = 0; power < 64; power++)
    for (const int beside : {-1, 0, 1}) {
      const uint64_t ns = (uint64_t{1} << power) + static_cast<uint64_t>(beside);
      const auto log2 = static_cast<unsigned>(std::bit_width(ns | 1)) - 1;
      EXPECT_EQ(flow_bucket(ns),
                std::clamp(log2, FLOW_EXIT_BUCKET_SHIFT, FLOW_EXIT_BUCKET_SHIFT + 23) -
                    FLOW_EXIT_BUCKET_SHIFT)
          << ns;
      EXPECT_EQ(flow_wait_bucket(ns), log2 < FLOW_WAIT_BUCKET_SHIFT
                                          ? 0
                                          : std::min((log2 - FLOW_WAIT_BUCKET_SHIFT) / 2 + 1, 8u))
          << ns;
    }
}

TEST(FlowExitIndex, maps_both_vendors) {
  EXPECT_EQ(flow_exit_index(0, 0x72), 0x72u);
  EXPECT_EQ(flow_exit_index(0, 0x400), FLOW_EXIT_DIRECT);
  EXPECT_EQ(flow_exit_index(0, 0xffffffffu), FLOW_EXIT_OUT_OF_RANGE);
  EXPECT_EQ(flow_exit_index(1, 0x8000000cu), 12u);  // VMX sets flags above bit 15
}

}  // namespace vmflow::test
