// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_view.h"

#include <gtest/gtest.h>

#include "agent/cli/cell_text.h"
#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

std::string text_of_line(const Line& line) {
  std::string text;
  for (const auto& span : line) text += span.text;
  return text;
}

std::string text_of_view(const std::vector<Line>& lines) {
  std::string text;
  for (const auto& line : lines) {
    auto one = text_of_line(line);
    one.erase(one.find_last_not_of(' ') + 1);
    text += one + "\n";
  }
  return text;
}

TopPicture picture_of(std::vector<TopRow> rows) {
  TopPicture picture;
  picture.answered = true;
  picture.agent = "http://127.0.0.1:9752";
  picture.time = "2026-01-31T12:00:00Z";
  picture.seconds = 2;
  picture.rows = std::move(rows);
  return picture;
}

TopPicture small_host() {
  auto web = row("web-1", 50, 50, 0);
  web.now.cause = "colocated_vm";
  web.now.culprit = "batch-1";
  TopRow fresh;
  fresh.now = vm("fresh", {});
  fresh.shown = "fresh";
  return picture_of({web, row("mail", 1, 0, 99), fresh});
}

TopPicture large_host() {
  std::vector<TopRow> rows;
  for (int i = 0; i < 1000; i++) rows.push_back(row("vm-" + std::to_string(10'000 + i), 0, 0, 100));
  return picture_of(rows);
}

VmDetail detail_of(double at) {
  const auto text = [&](double share) { return std::to_string(share * at); };
  return *vm_detail(
      {.vm = R"({"id": "web-1", "name": "web-1", "vmm": "qemu", "pid": 7, "vcpu_count": 1,
                 "start_time_unix_seconds": 1700000000, "monotonic_seconds": )" +
             text(1) + R"(, "seconds": {"guest": )" + text(0.25) + R"(, "ready": )" + text(0.25) +
             R"(, "halted": )" + text(0.5) + R"(}, "wait_seconds": {"disk": )" + text(0.5) +
             R"(}, "blocked_seconds": {"io": 0}, "exits": {"cpuid": {"count": )" + text(100) +
             R"(, "seconds": )" + text(0.01) +
             R"(}}, "vcpus": [{"vcpu": 0, "tid": 4711, "seconds": {"guest": )" + text(0.25) +
             R"(, "ready": )" + text(0.25) + R"(, "halted": )" + text(0.5) + "}}]}",
       .culprits =
           R"({"culprits": [{"culprit": {"kind": "other_vm", "name": "batch-1"}, "seconds": )" +
           text(0.25) + "}]}",
       .verdict = R"({"sentence": "A co-located VM slows it."})",
       .processes =
           R"({"window_seconds": 10, "processes": [{"process": "cr3:1000", "guest_seconds": 2.5}]})"});
}

TEST(TopView, a_small_host_at_80_columns) {
  TopState state;
  const auto lines = top_view(state, small_host(), 80, 8);
  EXPECT_EQ(text_of_view(lines),
            R"(vmflow top  2026-01-31T12:00:00Z  http://127.0.0.1:9752  3 VMs  2.0 s  every 2 s
NAME         VCPU %GUEST %KVM %VMM %RDY %THR %HALT %BLK EXIT/s CULPRIT  CAUSE
web-1           2   50.0  0.0  0.0 50.0  0.0   0.0  0.0     98 batch-1  other VM
mail            2    1.0  0.0  0.0  0.0  0.0  99.0  0.0     98 -        -
fresh           2      -    -    -    -    -     -    -      - -        -


j/k move  Enter VM  s/</> sort  r reverse  +/- delay  h help  q quit
)");
}

TEST(TopView, what_is_bad_is_seen_and_the_cursor_too) {
  TopState state;
  state.cursor = 1;
  const auto lines = top_view(state, small_host(), 80, 8);
  const auto tone = [&](size_t line, const std::string& text) {
    for (const auto& span : lines.at(line))
      if (span.text == text) return span.tone;
    return Tone::kDim;
  };
  EXPECT_EQ(tone(2, "50.0"), Tone::kBad) << "ready";
  EXPECT_EQ(tone(2, "  50.0"), Tone::kPlain) << "the guest";
  EXPECT_EQ(tone(3, "  99.0"), Tone::kDim) << "no such cell";
  EXPECT_EQ(lines.at(3).front().tone, Tone::kCursor);
  EXPECT_EQ(tone(1, "%RDY"), Tone::kCursor) << "what it is sorted by";
}

TEST(TopView, every_size_is_kept_to) {
  for (auto picture : {small_host(), large_host(), TopPicture()}) {
    picture.detail_before = detail_of(2);
    picture.detail = detail_of(4);
    for (const auto screen : {TopScreen::kList, TopScreen::kVm, TopScreen::kHelp})
      for (const auto& [width, height] : std::vector<std::pair<size_t, size_t>>{
               {80, 24}, {40, 10}, {200, 60}, {1, 1}, {2, 3}, {10, 4}, {0, 5}, {5, 0}, {79, 5}}) {
        TopState state{.screen = screen, .cursor = 2, .scroll = 7, .chosen = "web-1"};
        const auto lines = top_view(state, picture, width, height);
        EXPECT_LE(lines.size(), height);
        for (const auto& line : lines)
          EXPECT_LE(cell_width(text_of_line(line)), width) << text_of_line(line);
      }
  }
}

TEST(TopView, narrow_terminals_have_fewer_columns_and_wide_ones_more) {
  const auto titles = [](size_t width) {
    std::string titles;
    for (const auto& place : columns_in(width))
      titles += std::string(top_columns()[place.column].title) + " ";
    return titles;
  };
  EXPECT_EQ(titles(40), "NAME %GUEST %RDY CULPRIT ");
  EXPECT_EQ(titles(80), "NAME VCPU %GUEST %KVM %VMM %RDY %THR %HALT %BLK EXIT/s CULPRIT CAUSE ");
  EXPECT_EQ(titles(200), titles(120)) << "all of them";
  EXPECT_NE(titles(120).find("%DSK"), std::string::npos);
  EXPECT_EQ(columns_in(200).front().width, 40u) << "names get what is left";
  EXPECT_EQ(columns_in(5).front().width, 5u);
}

TEST(TopView, hostile_names_are_cut_by_cells) {
  auto picture =
      picture_of({row("日本語日本語日本語", 1, 0, 0),
                  row("\x1b[2J\r\n" + std::string(500, 'x'), 1, 0, 0), row("\u202eevil", 1, 0, 0)});
  TopState state;
  const auto lines = top_view(state, picture, 80, 8);
  EXPECT_TRUE(text_of_line(lines[2]).starts_with("日本語日本~     2")) << text_of_line(lines[2]);
  for (const auto& line : lines) {
    EXPECT_EQ(text_of_line(line).find('\x1b'), std::string::npos);
    EXPECT_EQ(cell_width(text_of_line(line)), line.empty() ? 0u : 80u) << text_of_line(line);
  }
}

TEST(TopView, a_thousand_vms_scroll_under_the_cursor) {
  auto picture = large_host();
  TopState state;
  take_rows(state, picture.rows);
  press(state, TopKey::kEnd, picture.rows, list_page(24));
  EXPECT_NE(text_of_view(top_view(state, picture, 80, 24)).find("vm-10999"), std::string::npos);
  press(state, TopKey::kPageUp, picture.rows, list_page(24));
  EXPECT_EQ(state.cursor, 999 - list_page(24));
  press(state, TopKey::kHome, picture.rows, list_page(24));
  press(state, TopKey::kUp, picture.rows, list_page(24));
  EXPECT_NE(text_of_view(top_view(state, picture, 80, 24)).find("vm-10000"), std::string::npos);
}

TEST(TopView, a_vm_that_goes_while_it_is_looked_at_is_said_to_be_gone) {
  auto picture = picture_of({row("web-1", 0, 0, 0), row("b", 0, 0, 0)});
  picture.detail = detail_of(4);
  TopState state;
  take_rows(state, picture.rows);
  press(state, TopKey::kDown, picture.rows, 20);
  press(state, TopKey::kOpen, picture.rows, 20);
  picture.rows.erase(picture.rows.begin() + 1);
  ASSERT_EQ(state.chosen, "web-1");
  take_rows(state, picture.rows);
  EXPECT_EQ(state.chosen, "web-1");
  const auto text = text_of_view(top_view(state, picture, 80, 24));
  EXPECT_NE(text.find("web-1 is gone"), std::string::npos) << text;
  EXPECT_NE(text.find("A co-located VM slows it."), std::string::npos) << "what was seen last";
  press(state, TopKey::kBack, picture.rows, 20);
  take_rows(state, picture.rows);
  EXPECT_EQ(state.chosen, "b");
}

TEST(TopView, one_vm_in_detail) {
  auto picture = small_host();
  picture.detail_before = detail_of(2);
  picture.detail = detail_of(4);
  TopState state{.screen = TopScreen::kVm, .chosen = "web-1"};
  const auto text = text_of_view(top_view(state, picture, 80, 40));
  for (const auto* part :
       {"web-1 qemu pid 7 1 vCPU since 2023-11-14T22:13:20Z", "A co-located VM slows it.",
        "0     4711    25.0     -     -  25.0     -   50.0", "cpuid     100    1.0    100.0",
        "disk               50.0", "batch-1              25.0", "cr3:1000       25.0",
        "not blocked since the last look"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(TopView, in_the_first_look_at_a_vm_nothing_is_known_of_the_time_between) {
  const auto tables = detail_tables(nullptr, detail_of(4));
  EXPECT_EQ(tables.at(0).rows.at(0),
            (std::vector<std::string>{"0", "4711", "-", "-", "-", "-", "-", "-", "-", "-", "-"}));
  for (size_t i = 1; i < 5; i++) EXPECT_TRUE(tables.at(i).rows.empty()) << i;
  const auto before = detail_of(9);
  EXPECT_EQ(detail_tables(&before, detail_of(4)).at(0).rows.at(0).at(2), "-") << "counters fell";
  EXPECT_FALSE(vm_detail({}));
}

TEST(TopView, an_agent_that_goes_leaves_the_last_picture_marked_stale) {
  auto picture = small_host();
  picture.problem = "no answer from there";
  TopState state;
  const auto lines = top_view(state, picture, 80, 8);
  EXPECT_EQ(lines.at(0).at(0).tone, Tone::kBad);
  EXPECT_TRUE(text_of_line(lines.at(0)).starts_with("STALE since 2026-01-31T12:00:00Z: no answer"));
  EXPECT_TRUE(text_of_line(lines.at(2)).starts_with("web-1"));
}

TEST(TopView, before_the_first_answer_it_says_whom_it_asks) {
  TopPicture picture;
  picture.agent = "http://there:1";
  TopState state;
  EXPECT_TRUE(
      text_of_line(top_view(state, picture, 80, 8).at(0)).starts_with("asking http://there:1"));
  picture.problem = "no answer";
  EXPECT_TRUE(text_of_line(top_view(state, picture, 80, 8).at(0)).starts_with("no answer"));
}

TEST(TopView, the_help_explains_every_column) {
  std::string help;
  for (const auto& line : help_lines(80)) help += text_of_line(line) + "\n";
  for (const auto& column : top_columns())
    EXPECT_NE(help.find(column.title), std::string::npos) << column.title;
  EXPECT_NE(help.find("100 is all of its vCPUs"), std::string::npos);
}

}  // namespace
}  // namespace vmflow::test
