// SPDX-License-Identifier: GPL-2.0-only
// The state machine, natively.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
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

// What the kernel's programs do with an exit and the entry after it.
TEST_P(FlowTables, are_the_same_with_plain_round_trips_in_one_step) {
  vcpu_flow whole{}, stepped{};
  vcpu_mailbox mailbox{};
  const auto& steps = GetParam().steps;
  for (size_t i = 0; i < steps.size(); i++) {
    flow_play_step(&stepped, &mailbox, &steps[i]);
    const bool is_pair = i + 1 < steps.size() && steps[i].kind == STEP_EXIT && steps[i].b == 0 &&
                         steps[i].a < FLOW_EXIT_CODES && steps[i + 1].kind == STEP_ENTRY;
    if (!is_pair || !flow_is_plain(&whole, steps[i].at_ns, steps[i + 1].at_ns)) {
      flow_play_step(&whole, &mailbox, &steps[i]);
      EXPECT_EQ(std::memcmp(&whole, &stepped, sizeof(whole)), 0) << "step " << i;
      continue;
    }
    const auto ended = flow_round_trip(&whole, steps[i].at_ns, static_cast<uint32_t>(steps[i].a),
                                       steps[i + 1].at_ns);
    const auto same = flow_entry(&stepped, steps[++i].at_ns);
    EXPECT_EQ(std::memcmp(&whole, &stepped, sizeof(whole)), 0) << "step " << i;
    EXPECT_EQ(ended.exit_index, same.exit_index);
    EXPECT_EQ(ended.bucket, same.bucket);
    EXPECT_EQ(ended.ns, same.ns);
  }
}

// At each length of a trip and of the guest's time before, and from each state, plain or not.
TEST(RoundTrip, is_an_exit_and_an_entry) {
  int plain = 0;
  for (const uint64_t guest_ns : {uint64_t{0}, uint64_t{1}, uint64_t{70'000}})
    for (const uint64_t ns :
         {uint64_t{0}, uint64_t{511}, uint64_t{512}, uint64_t{1} << 20, uint64_t{1} << 33})
      for (const uint32_t state : {FLOW_GUEST, FLOW_GUEST_NESTED, FLOW_KVM, FLOW_VMM, FLOW_HALTED})
        for (const uint32_t guest_state : {FLOW_GUEST, FLOW_GUEST_NESTED}) {
          vcpu_flow whole{};
          flow_entry(&whole, 1000);
          whole.state = state;
          whole.guest_state = guest_state;
          whole.exit_index = FLOW_EXIT_PENDING;
          whole.pending_ns = 5;
          auto stepped = whole;
          if (!flow_is_plain(&whole, 1000 + guest_ns, 1000 + guest_ns + ns)) continue;
          plain++;
          flow_round_trip(&whole, 1000 + guest_ns, 0x72, 1000 + guest_ns + ns);
          flow_exit(&stepped, 1000 + guest_ns, 0x72, 0);
          flow_entry(&stepped, 1000 + guest_ns + ns);
          EXPECT_EQ(std::memcmp(&whole, &stepped, sizeof(whole)), 0);
        }
  EXPECT_EQ(plain, 15) << "in the guest itself, and nowhere else";
  vcpu_flow flow{};
  EXPECT_FALSE(flow_is_plain(&flow, 10, 20)) << "its first event";
  flow_entry(&flow, 1000);
  EXPECT_FALSE(flow_is_plain(&flow, 999, 2000)) << "a clock that runs backwards";
  EXPECT_FALSE(flow_is_plain(&flow, 2000, 1999));
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
