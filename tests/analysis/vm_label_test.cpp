// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/vm_label.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace vmflow::test {
namespace {

const std::string kBad = "\xEF\xBF\xBD";  // U+FFFD in place of what cannot be shown

struct Text {
  std::string name, input, expected;
};

void PrintTo(const Text& text, std::ostream* os) {
  *os << text.name;
}

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; i++) all += text;
  return all;
}

class Sanitise : public testing::TestWithParam<Text> {};

TEST_P(Sanitise, makes_text_fit_to_be_shown) {
  EXPECT_EQ(sanitise(GetParam().input), GetParam().expected);
}

TEST_P(Sanitise, changes_nothing_the_second_time) {
  const auto once = sanitise(GetParam().input);
  EXPECT_EQ(sanitise(once), once);
}

INSTANTIATE_TEST_SUITE_P(
    VmLabel, Sanitise,
    testing::Values(
        Text{"empty", "", ""}, Text{"ascii", "db-1 \"quoted\" \\ {x}", "db-1 \"quoted\" \\ {x}"},
        Text{"two_three_and_four_bytes", "é€😀", "é€😀"},
        Text{"first_and_last_of_each_length",
             "\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
             "\xC2\xA0\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        Text{"lone_continuation", "a\x80z", "a" + kBad + "z"},
        Text{"lone_first_byte", "a\xE2z", "a" + kBad + "z"},
        Text{"cut_off_at_the_end", "a\xE2\x82", "a" + kBad + kBad},
        Text{"no_utf8_at_all", "\xFE\xFF", kBad + kBad},
        Text{"overlong_slash", "\xC0\xAF", kBad + kBad},
        Text{"overlong_of_three", "\xE0\x80\xAF", kBad + kBad + kBad},
        Text{"overlong_of_four", "\xF0\x80\x80\xAF", kBad + kBad + kBad + kBad},
        Text{"surrogate", "\xED\xA0\x80", kBad + kBad + kBad},
        Text{"above_the_last_character", "\xF4\x90\x80\x80", kBad + kBad + kBad + kBad},
        Text{"control_characters", "a\x01\t\r\x1B[31m\x7F",
             "a" + kBad + kBad + kBad + kBad + "[31m" + kBad},
        Text{"nul", std::string("a\0z", 3), "a" + kBad + "z"},
        Text{"second_set_of_control_characters", "\xC2\x80\xC2\x9F\xC2\xA0",
             kBad + kBad + "\xC2\xA0"},
        Text{"newline_stays", "a\nz", "a\nz"},
        Text{"four_kib_are_cut", repeated("a", 4096), repeated("a", 256)},
        Text{"no_character_is_cut_in_two", repeated("€", 1400), repeated("€", 85)},  // 255 bytes
        Text{"the_last_that_fits_stays", repeated("é", 2048), repeated("é", 128)},
        Text{"replacements_count_too", repeated("\xFF", 4096), repeated(kBad, 85)}),
    [](const auto& info) { return info.param.name; });

constexpr VmKey kVm{100, 0x1000};
const std::string kUuid = "5bf1a2ab-5f8d-4ba6-9d2c-d37a30fe1b20";

VmIdentity identity(const std::string& uuid, uint64_t start_ticks = 7) {
  VmIdentity identity;
  identity.uuid = uuid;
  identity.start_ticks = start_ticks;
  return identity;
}

TEST(LabelBook, a_vm_is_called_by_its_uuid) {
  LabelBook book;
  const auto given = book.give(kVm, identity(kUuid));
  EXPECT_EQ(given.label, kUuid);
  EXPECT_FALSE(given.duplicate_uuid);
}

TEST(LabelBook, a_uuid_that_is_live_gets_the_pid_and_is_counted) {
  LabelBook book;
  book.give(kVm, identity(kUuid));
  const auto given = book.give({200, 0x2000}, identity(kUuid));
  EXPECT_EQ(given.label, kUuid + "+200");
  EXPECT_TRUE(given.duplicate_uuid);
}

TEST(LabelBook, vms_of_one_process_with_one_uuid_differ) {
  LabelBook book;
  EXPECT_EQ(book.give({100, 1}, identity(kUuid)).label, kUuid);
  EXPECT_EQ(book.give({100, 2}, identity(kUuid)).label, kUuid + "+100");
  EXPECT_EQ(book.give({100, 3}, identity(kUuid)).label, kUuid + "+100-2");
}

TEST(LabelBook, a_uuid_is_free_again_once_its_vm_is_gone) {
  LabelBook book;
  book.give(kVm, identity(kUuid));
  book.take_back(kUuid);
  const auto given = book.give({200, 0x2000}, identity(kUuid));
  EXPECT_EQ(given.label, kUuid);
  EXPECT_FALSE(given.duplicate_uuid);
}

TEST(LabelBook, a_vm_without_a_uuid_is_called_by_its_process) {
  LabelBook book;
  EXPECT_EQ(book.give(kVm, identity("")).label, "100-7");
  EXPECT_EQ(book.give({100, 2}, identity("", 8)).label,
            "100-8");  // the pid went to another process
}

// Otherwise a counter of the label would seem to fall.
TEST(LabelBook, a_number_is_never_given_twice) {
  LabelBook book;
  EXPECT_EQ(book.give({100, 1}, identity("")).label, "100-7");
  EXPECT_EQ(book.give({100, 2}, identity("")).label, "100-7-2");
  book.take_back("100-7-2");
  EXPECT_EQ(book.give({100, 3}, identity("")).label, "100-7-3");
  book.take_back("100-7");
  EXPECT_EQ(book.give({100, 1}, identity("")).label, "100-7-4");
}

TEST(LabelBook, a_hostile_uuid_is_sanitised) {
  LabelBook book;
  EXPECT_EQ(book.give(kVm, identity("a\x01z")).label, "a" + kBad + "z");
  EXPECT_EQ(book.give({200, 2}, identity(repeated("a", 4096))).label, repeated("a", 256));
}

}  // namespace
}  // namespace vmflow::test
