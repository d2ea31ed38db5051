// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_state.h"

#include <gtest/gtest.h>

#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

TEST(TopState, a_vm_that_goes_leaves_the_cursor_where_it_was) {
  auto rows = std::vector<TopRow>{row("a", 0, 0, 0), row("b", 0, 0, 0), row("c", 0, 0, 0)};
  TopState state;
  take_rows(state, rows);
  press(state, TopKey::kDown, rows, 20);
  ASSERT_EQ(state.chosen, "b");
  rows.erase(rows.begin() + 1);
  take_rows(state, rows);
  EXPECT_EQ(state.cursor, 1u);
  EXPECT_EQ(state.chosen, "c");
  rows.pop_back();
  take_rows(state, rows);
  EXPECT_EQ(state.cursor, 0u);
}

TEST(TopState, the_cursor_follows_its_vm_when_rows_change_places) {
  auto rows = std::vector<TopRow>{row("a", 0, 9, 0), row("b", 0, 1, 0)};
  TopState state;
  take_rows(state, rows);
  press(state, TopKey::kReverse, rows, 20);
  take_rows(state, rows);
  EXPECT_EQ(state.cursor, 0u) << "nobody chose a VM: it stays with the first";
  press(state, TopKey::kUp, rows, 20);
  ASSERT_EQ(state.chosen, "b");
  press(state, TopKey::kReverse, rows, 20);
  take_rows(state, rows);
  EXPECT_EQ(rows.at(state.cursor).now.id, "b");
  EXPECT_EQ(state.cursor, 1u);
}

TEST(TopState, keys_go_into_a_vm_and_back) {
  const std::vector<TopRow> rows = {row("web-1", 50, 50, 0), row("mail", 1, 0, 99)};
  TopState state;
  press(state, TopKey::kOpen, rows, 20);
  EXPECT_EQ(state.screen, TopScreen::kVm);
  press(state, TopKey::kHelp, rows, 20);
  EXPECT_EQ(state.screen, TopScreen::kHelp);
  press(state, TopKey::kBack, rows, 20);
  EXPECT_EQ(state.screen, TopScreen::kVm);
  press(state, TopKey::kQuit, rows, 20);
  EXPECT_EQ(state.screen, TopScreen::kList);
  press(state, TopKey::kBack, rows, 20);
  EXPECT_FALSE(state.ended) << "Esc never ends it";
  press(state, TopKey::kQuit, rows, 20);
  EXPECT_TRUE(state.ended);
}

TEST(TopState, keys_choose_the_order_and_the_delay) {
  TopState state;
  const auto first = state.sort;
  press(state, TopKey::kNextColumn, {}, 20);
  EXPECT_EQ(state.sort, first + 1);
  press(state, TopKey::kPreviousColumn, {}, 20);
  EXPECT_EQ(state.sort, first);
  for (size_t i = 0; i < top_columns().size(); i++) press(state, TopKey::kNextColumn, {}, 20);
  EXPECT_EQ(state.sort, first) << "it goes round";
  press(state, TopKey::kSlower, {}, 20);
  EXPECT_EQ(state.delay_seconds, 4);
  for (int i = 0; i < 99; i++) press(state, TopKey::kFaster, {}, 20);
  EXPECT_EQ(state.delay_seconds, 0.5);
  for (const auto key : {TopKey::kUp, TopKey::kDown, TopKey::kOpen, TopKey::kEnd})
    press(state, key, {}, 20);
  EXPECT_EQ(state.screen, TopScreen::kList) << "there is no VM to open";
}

}  // namespace
}  // namespace vmflow::test
