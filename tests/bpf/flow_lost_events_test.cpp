// SPDX-License-Identifier: GPL-2.0-only
// The state machine when events are lost, doubled or late: drawn lives of a vCPU with holes in
// them.
#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "tests/bpf/flow_tables.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kHlt = 0x78, kCpuid = 0x72, kIo = 0x7b;

/// Draws one exit of a vCPU after the other, each with all its events, in the kernel's order.
class Life {
 public:
  explicit Life(uint32_t seed) : random_(seed) {}

  std::vector<flow_step> next_exit() {
    std::vector<flow_step> steps;
    const auto add = [&](uint32_t kind, uint64_t a = 0, uint32_t b = 0) {
      steps.push_back({now_ += 1 + random_() % 1000, kind, b, a});
    };
    const auto away = [&](uint64_t state, flow_wake_kind kind, uint32_t in_kvm) {
      add(STEP_OUT, state, state == FLOW_VMM_BLOCKED ? 1 + random_() % FLOW_BLOCKS : 0);
      const uint64_t since = state == FLOW_READY ? now_ : now_ + 1;
      if (state != FLOW_READY) add(STEP_WAKE, flow_waker(4711, kind));
      add(STEP_WAIT, since, random_() % 5 == 0);
      for (uint32_t i = random_() % 3; i > 0; i--)
        add(STEP_BLAME, random_() % FLOW_CULPRITS, random_() % 300 << 1 | (random_() % 5 == 0));
      add(STEP_IN, in_kvm, static_cast<uint32_t>(random_() % 500));
    };
    if (random_() % 4 == 0) away(FLOW_READY, FLOW_WAKE_BARE, 1);
    switch (random_() % 3) {
      case 0:
        add(STEP_EXIT, kCpuid);
        break;
      case 1:
        add(STEP_EXIT, kIo);
        add(STEP_USERSPACE_EXIT, 2);
        if (random_() % 2) away(FLOW_VMM_BLOCKED, FLOW_WAKE_BARE, 0);
        add(STEP_RUN);
        break;
      default:
        add(STEP_EXIT, kHlt, 1);
        away(FLOW_HALTED, static_cast<flow_wake_kind>(random_() % FLOW_WAKE_KINDS), 1);
        add(STEP_HALT_END, random_() % 300, 1);
        if (random_() % 2) add(STEP_ACCEPT);
    }
    add(STEP_ENTRY);
    return steps;
  }
  bool chance(uint32_t in) { return random_() % in == 0; }

 private:
  std::mt19937 random_;
  uint64_t now_ = 1000;
};

template <size_t kCount>
uint64_t sum(const __u64 (&values)[kCount]) {
  return std::accumulate(std::begin(values), std::end(values), uint64_t{0});
}

/// All that must hold whatever has happened.
void expect_conserved(const vcpu_flow& flow) {
  EXPECT_EQ(sum(flow.ns) + flow.held_ns, flow.last_ns - flow.first_ns);
  EXPECT_EQ(sum(flow.wait_ns) + flow.unsettled_ns, flow.ns[FLOW_HALTED]);
  // Every wait is in one bucket, which is not far from its time.
  uint64_t least = 0, most = 0;
  for (uint32_t kind = 0; kind < FLOW_WAKE_KINDS; kind++)
    for (uint32_t bucket = 0; bucket < FLOW_WAIT_BUCKETS; bucket++) {
      least +=
          bucket == 0 ? 0 : flow.waited[kind][bucket] << (FLOW_WAIT_BUCKET_SHIFT + 2 * bucket - 2);
      most += flow.waited[kind][bucket] << (FLOW_WAIT_BUCKET_SHIFT + 2 * bucket);
    }
  EXPECT_LE(least, sum(flow.wait_ns));
  EXPECT_GE(most, sum(flow.wait_ns));
  EXPECT_EQ(sum(flow.block_ns), flow.ns[FLOW_VMM_BLOCKED]);
  EXPECT_LE(flow.disk_pending_ns, flow.ns[FLOW_HALTED]);
  EXPECT_LE(flow.net_pending_ns, flow.ns[FLOW_HALTED]);
  EXPECT_EQ(flow.poll_success_ns + flow.poll_fail_ns, flow.ns[FLOW_HALT_POLL]);
  EXPECT_GE(sum(flow.culprit_ns), flow.ns[FLOW_READY]);
  uint64_t after_exits = flow.pending_ns;
  for (const auto& exit : flow.exits) after_exits += exit.ns;
  EXPECT_LE(after_exits, flow.ns[FLOW_KVM] + flow.ns[FLOW_VMM]);
}

}  // namespace

class LostEvents : public testing::TestWithParam<uint32_t> {};

TEST_P(LostEvents, lose_no_time_and_the_next_entry_mends_the_state) {
  Life life(GetParam());
  vcpu_flow flow{};
  vcpu_mailbox mailbox{};
  uint32_t lost = 0, doubled = 0;
  for (int i = 0; i < 2000 && !HasFailure(); i++)
    for (const auto& step : life.next_exit()) {
      if (life.chance(10)) {
        lost++;
        continue;
      }
      flow_play_step(&flow, &mailbox, &step);
      if (life.chance(50)) {
        doubled++;
        flow_play_step(&flow, &mailbox, &step);
      }
      if (flow.first_ns == 0) continue;
      expect_conserved(flow);
      if (step.kind == STEP_ENTRY || step.kind == STEP_EXIT) {
        EXPECT_EQ(flow.state, uint32_t{step.kind == STEP_ENTRY ? FLOW_GUEST : FLOW_KVM});
      }
    }
  EXPECT_GT(lost, 100u);
  EXPECT_GT(doubled, 10u);
  EXPECT_GT(sum(flow.anomaly), lost / 10) << "what contradicts itself is counted";
  EXPECT_LT(flow.ns[FLOW_UNKNOWN], (flow.last_ns - flow.first_ns) / 5);
}

TEST_P(LostEvents, that_are_not_lost_leave_nothing_unaccounted) {
  Life life(GetParam());
  vcpu_flow flow{};
  vcpu_mailbox mailbox{};
  for (int i = 0; i < 2000 && !HasFailure(); i++)
    for (const auto& step : life.next_exit()) {
      flow_play_step(&flow, &mailbox, &step);
      if (flow.first_ns != 0) expect_conserved(flow);
    }
  EXPECT_EQ(flow.ns[FLOW_UNKNOWN], 0u);
  EXPECT_EQ(sum(flow.anomaly), 0u);
}

INSTANTIATE_TEST_SUITE_P(VcpuFlow, LostEvents, testing::Range(1u, 9u));

}  // namespace vmflow::test
