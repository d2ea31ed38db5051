// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/cell_text.h"

#include <gtest/gtest.h>

namespace vmflow::test {
namespace {

TEST(CellText, a_character_takes_two_cells_or_one) {
  EXPECT_EQ(cell_width("web"), 3u);
  EXPECT_EQ(cell_width("日本"), 4u);
  EXPECT_EQ(cell_width("é"), 1u);
}

TEST(CellText, what_would_break_a_terminal_is_replaced) {
  EXPECT_EQ(in_cells("a\x1b[2Jb"), "a\uFFFD[2Jb");
  EXPECT_EQ(in_cells("a\r\nb\tc\x7f"), "a\uFFFD b\uFFFDc\uFFFD");
  EXPECT_EQ(in_cells("a\xff\xc3(b"), "a\uFFFD\uFFFD(b");
  EXPECT_EQ(in_cells("a\u202eb\u0085"), "a\uFFFDb\uFFFD");
  EXPECT_EQ(in_cells("e\u0301x\u200b"), "ex") << "characters without a cell of their own";
}

TEST(CellText, is_cut_by_cells_and_never_within_a_character) {
  EXPECT_EQ(cut_to("abcdef", 6), "abcdef");
  EXPECT_EQ(cut_to("abcdef", 4), "abc~");
  EXPECT_EQ(cut_to("日本語", 6), "日本語");
  EXPECT_EQ(cut_to("日本語", 5), "日本~");
  EXPECT_EQ(cut_to("日本語", 4), "日~") << "one cell stays free";
  EXPECT_EQ(cut_to("日本語", 1), "~");
  EXPECT_EQ(cut_to("日本語", 0), "");
}

TEST(CellText, is_filled_up_to_cells) {
  EXPECT_EQ(left_in("日本語", 4), "日~ ");
  EXPECT_EQ(left_in("ab", 4), "ab  ");
  EXPECT_EQ(right_in("ab", 4), "  ab");
  EXPECT_EQ(right_in("abcdef", 4), "abc~");
}

TEST(CellText, is_wrapped_at_blanks) {
  EXPECT_EQ(wrapped_to("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped_to("abcdefghij k", 5), (std::vector<std::string>{"abcd~", "k"}));
  EXPECT_TRUE(wrapped_to("", 5).empty());
  EXPECT_TRUE(wrapped_to("abc", 0).empty());
}

}  // namespace
}  // namespace vmflow::test
