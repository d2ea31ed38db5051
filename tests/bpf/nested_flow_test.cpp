// SPDX-License-Identifier: GPL-2.0-only
// Whose time it is, natively: drawn tables, and drawn lives with holes in them.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "tests/bpf/nested_tables.h"

namespace vmflow::test {

void PrintTo(const NestedTable& table, std::ostream* os) {
  *os << table.name;
}
void PrintTo(const NestedLevels& l, std::ostream* os) {
  *os << "l0 " << l.l0 << " l1 " << l.l1 << " l2 " << l.l2 << " rest " << l.rest << " pending "
      << l.pending;
}
void PrintTo(const NestedBook& b, std::ostream* os) {
  *os << std::hex << b.vmcb12 << std::dec << ": l0 " << b.l0 << " l1 " << b.l1 << " l2 " << b.l2
      << " entries " << b.entries << " deeper " << b.deeper << " exits "
      << testing::PrintToString(b.exits);
}

namespace {

template <size_t kCount>
uint64_t sum(const __u64 (&values)[kCount]) {
  return std::accumulate(std::begin(values), std::end(values), uint64_t{0});
}

/// All that must hold whatever has happened.
void expect_conserved(const nested_play& play) {
  const auto levels = levels_of(play);
  EXPECT_EQ(levels.l0 + levels.l1 + levels.l2 + levels.rest + levels.pending, sum(play.flow.ns));
  EXPECT_EQ(levels.l2, play.flow.ns[FLOW_GUEST_NESTED]);
  EXPECT_LE(levels.l1, play.flow.ns[FLOW_GUEST]);
  EXPECT_LE(levels.l0, play.flow.ns[FLOW_KVM] + play.flow.ns[FLOW_VMM]);
  uint64_t handled = 0, reflected = 0, l0 = 0, l1 = 0, l2 = 0;
  for (const auto& book : play.book) {
    handled += sum(book.handled);
    reflected += sum(book.reflected);
    l0 += book.l0_ns;
    l1 += book.l1_ns;
    l2 += book.l2_ns;
  }
  EXPECT_LE(handled, play.nested.handled);
  EXPECT_LE(reflected, play.nested.reflected);
  EXPECT_LE(l0, levels.l0);
  EXPECT_LE(l1, levels.l1);
  EXPECT_LE(l2, levels.l2);
}

/// Draws what an L1 with two guests does, each with all its events, in the kernel's order.
class NestedLife {
 public:
  explicit NestedLife(uint32_t seed) : random_(seed) {}

  std::vector<flow_step> next_turn() {
    steps_.clear();
    if (chance(6)) {
      halt();
    } else if (chance(4)) {
      add(STEP_EXIT, 0x72);
      if (chance(2)) away(FLOW_READY);
      add(STEP_ENTRY);
    } else {
      run_l2(0x1000 * (1 + random_() % 2));
    }
    return steps_;
  }
  bool chance(uint32_t in) { return random_() % in == 0; }
  uint64_t l2_exits() const { return l2_exits_; }
  uint64_t reflected() const { return reflected_; }

 private:
  void add(uint32_t kind, uint64_t a = 0, uint32_t b = 0) {
    steps_.push_back({now_ += 1 + random_() % 1000, kind, b, a});
  }
  void away(uint64_t state) {
    add(STEP_OUT, state);
    if (state != FLOW_READY) add(STEP_WAKE, 4711);
    add(STEP_IN, 1);
  }
  void halt() {
    add(STEP_EXIT, 0x78, 1);
    away(FLOW_HALTED);
    add(STEP_HALT_END, random_() % 300, 1);
    add(STEP_ENTRY);
  }
  void exit_from_l2(uint64_t code, uint32_t is_halt) {
    if (chance(4)) away(FLOW_READY);
    add(STEP_EXIT, code, is_halt);
    add(STEP_NESTED_EXIT);
    if (chance(4)) away(FLOW_READY);
    l2_exits_++;
  }
  void run_l2(uint64_t vmcb12) {
    add(STEP_EXIT, 0x80);
    add(STEP_NESTED_ENTER, vmcb12);
    add(STEP_ENTRY);
    for (uint32_t i = random_() % 4; i > 0; i--) {
      exit_from_l2(0x60, 0);
      add(STEP_ENTRY);
    }
    const uint64_t code = chance(3) ? 0x78 : 0x72;
    exit_from_l2(code, code == 0x78);
    add(STEP_NESTED_REFLECT, chance(3) ? 0x60 : code);
    reflected_++;
    add(STEP_ENTRY);
  }

  std::mt19937 random_;
  uint64_t now_ = 1000, l2_exits_ = 0, reflected_ = 0;
  std::vector<flow_step> steps_;
};

}  // namespace

class NestedTables : public testing::TestWithParam<NestedTable> {};

TEST_P(NestedTables, deal_out_all_time) {
  const auto play = std::make_unique<nested_play>();
  for (const auto& step : GetParam().steps) {
    nested_play_step(play.get(), &step);
    expect_conserved(*play);
  }
  EXPECT_EQ(books_of(*play), GetParam().books);
  EXPECT_EQ(levels_of(*play), GetParam().levels);
  EXPECT_EQ(play->flow.anomaly[FLOW_LEVEL_MISSED], GetParam().levels_missed);
  const auto from_l2 = std::ranges::count(GetParam().steps, STEP_NESTED_EXIT, &flow_step::kind);
  EXPECT_EQ(play->nested.handled + play->nested.reflected + (play->nested.open_exit != 0), from_l2)
      << "each exit once";
}

INSTANTIATE_TEST_SUITE_P(NestedFlow, NestedTables, testing::ValuesIn(nested_tables()),
                         [](const auto& info) { return info.param.name; });

class NestedLives : public testing::TestWithParam<uint32_t> {};

TEST_P(NestedLives, without_a_lost_event_count_each_exit_once_and_every_nanosecond) {
  NestedLife life(GetParam());
  const auto play = std::make_unique<nested_play>();
  for (int i = 0; i < 2000 && !HasFailure(); i++)
    for (const auto& step : life.next_turn()) {
      nested_play_step(play.get(), &step);
      expect_conserved(*play);
    }
  EXPECT_EQ(play->nested.handled + play->nested.reflected, life.l2_exits());
  EXPECT_EQ(play->nested.reflected, life.reflected());
  uint64_t handled = 0, reflected = 0, levels = 0;
  for (const auto& book : play->book) {
    handled += sum(book.handled);
    reflected += sum(book.reflected);
    levels += book.l0_ns + book.l1_ns + book.l2_ns;
  }
  const auto all = levels_of(*play);
  EXPECT_EQ(handled, play->nested.handled);
  EXPECT_EQ(reflected, play->nested.reflected);
  EXPECT_EQ(levels, all.l0 + all.l1 + all.l2);
  EXPECT_EQ(sum(play->flow.anomaly), 0u);
}

TEST_P(NestedLives, with_lost_and_doubled_events_lose_no_time_and_recover) {
  NestedLife life(GetParam());
  const auto play = std::make_unique<nested_play>();
  uint64_t seen_l2_exits = 0, lost = 0;
  for (int i = 0; i < 2000 && !HasFailure(); i++)
    for (const auto& step : life.next_turn()) {
      if (life.chance(10)) {
        lost++;
        continue;
      }
      nested_play_step(play.get(), &step);
      if (life.chance(50)) nested_play_step(play.get(), &step);
      if (play->flow.first_ns == 0) continue;
      expect_conserved(*play);
      seen_l2_exits += step.kind == STEP_NESTED_EXIT;
      // Told that it is in L2, or that it is not: from then on it is there.
      if (step.kind == STEP_NESTED_EXIT || step.kind == STEP_NESTED_ENTER) {
        EXPECT_EQ(play->flow.guest_state, uint32_t{FLOW_GUEST_NESTED});
      } else if (step.kind == STEP_NESTED_REFLECT) {
        EXPECT_EQ(play->flow.guest_state, uint32_t{FLOW_GUEST});
      }
    }
  EXPECT_GT(lost, 1000u);
  EXPECT_GT(play->flow.anomaly[FLOW_LEVEL_MISSED], lost / 20);
  const auto settled = static_cast<double>(play->nested.handled + play->nested.reflected);
  EXPECT_NEAR(settled, static_cast<double>(life.l2_exits()),
              0.15 * static_cast<double>(life.l2_exits()));
  EXPECT_GT(seen_l2_exits, 0u);
}

INSTANTIATE_TEST_SUITE_P(NestedFlow, NestedLives, testing::Range(1u, 9u));

}  // namespace vmflow::test
