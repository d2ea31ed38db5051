// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/top_model.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "agent/cli/top_columns.h"
#include "tests/agent/unit/top_rows.h"

namespace vmflow::test {
namespace {

TopRow row_of(const VmCounters& before, const VmCounters& now, double seconds = 2) {
  const VmsLook first{100.0, {before}}, second{100.0 + seconds, {now}};
  return top_rows(&first, second).rows.at(0);
}

std::string cell(const TopRow& row, std::string_view title) {
  return cell_of(top_columns()[column_called(title).value()], row);
}

TopRow with(const std::string& id, double ready) {
  TopRow row{vm(id, {}), id, {{"ready", ready}}, {}, std::nullopt};
  return row;
}

TEST(TopModel, percent_are_of_the_vcpu_time_between_two_looks) {
  //                       before                                      2 s later, of 2 vCPUs
  const auto row =
      row_of(vm("a", {{"guest", 10}, {"guest_nested", 0}, {"kvm", 2}, {"ready", 5}}, 1000),
             vm("a", {{"guest", 11}, {"guest_nested", 1}, {"kvm", 2.5}, {"ready", 6.5}}, 1500));
  EXPECT_EQ(cell(row, "%GUEST"), "50.0") << "with nested guests";
  EXPECT_EQ(cell(row, "%KVM"), "12.5");
  EXPECT_EQ(cell(row, "%RDY"), "37.5");
  EXPECT_EQ(cell(row, "EXIT/s"), "250");
  EXPECT_EQ(cell(row, "VCPU"), "2");
}

TEST(TopModel, unaccounted_time_is_a_part_of_the_whole) {
  const auto row = row_of(vm("a", {{"guest", 0}, {"unaccounted", 0}}),
                          vm("a", {{"guest", 3}, {"unaccounted", 1}}));
  EXPECT_EQ(cell(row, "%GUEST"), "75.0");
}

TEST(TopModel, of_a_new_vm_nothing_is_known_yet) {
  const VmsLook first{1.0, {}}, second{3.0, {vm("a", {{"guest", 10}}, 5)}};
  for (const auto* before : {static_cast<const VmsLook*>(nullptr), &first}) {
    const auto rows = top_rows(before, second);
    EXPECT_EQ(cell(rows.rows.at(0), "%GUEST"), "-");
    EXPECT_EQ(cell(rows.rows.at(0), "EXIT/s"), "-");
    EXPECT_EQ(cell(rows.rows.at(0), "VCPU"), "2") << "this is known";
    EXPECT_EQ(restart_note(rows), "");
  }
}

TEST(TopModel, counters_that_fall_begin_anew_and_are_said) {
  const VmsLook first{100.0, {vm("a", {{"guest", 10}, {"ready", 1}}), vm("b", {{"guest", 10}})}};
  const VmsLook all{102.0, {vm("a", {{"guest", 1}, {"ready", 2}}), vm("b", {{"guest", 2}})}};
  auto rows = top_rows(&first, all);
  EXPECT_EQ(cell(rows.rows.at(0), "%GUEST"), "-");
  EXPECT_EQ(cell(rows.rows.at(0), "%RDY"), "-") << "it rose, but since when?";
  EXPECT_EQ(restart_note(rows), "counters fell: vmflowd was restarted; counting anew");

  const VmsLook one{102.0, {vm("a", {{"guest", 1}, {"ready", 2}}), vm("b", {{"guest", 12}})}};
  rows = top_rows(&first, one);
  EXPECT_EQ(cell(rows.rows.at(1), "%GUEST"), "100");
  EXPECT_EQ(restart_note(rows), "counters of 1 VM fell; counting anew");
}

TEST(TopModel, exits_that_fall_are_a_restart_too) {
  const auto row = row_of(vm("a", {{"guest", 1}}, 900), vm("a", {{"guest", 3}}, 100));
  EXPECT_EQ(cell(row, "%GUEST"), "-");
  EXPECT_EQ(cell(row, "EXIT/s"), "-");
}

TEST(TopModel, a_vm_that_was_started_again_under_its_label_is_new) {
  auto again = vm("a", {{"guest", 100}});
  again.pid = 99;
  const auto row = row_of(vm("a", {{"guest", 1}}), again);
  EXPECT_EQ(cell(row, "%GUEST"), "-");
  const VmsLook first{100.0, {vm("a", {{"guest", 500}})}}, second{102.0, {again}};
  EXPECT_EQ(top_rows(&first, second).restarted, 0u) << "a new process, no fall";
}

TEST(TopModel, a_vm_that_is_gone_has_no_row) {
  const VmsLook first{100.0, {vm("a", {{"guest", 1}}), vm("b", {{"guest", 1}})}};
  const VmsLook second{102.0, {vm("b", {{"guest", 2}})}};
  EXPECT_EQ(names_of(top_rows(&first, second).rows), (std::vector<std::string>{"b"}));
}

TEST(TopModel, without_time_between_two_looks_nothing_is_known) {
  const auto row = row_of(vm("a", {{"guest", 1}}, 10), vm("a", {{"guest", 1}}, 10), 0);
  EXPECT_EQ(cell(row, "%GUEST"), "-");
  EXPECT_EQ(cell(row, "EXIT/s"), "-");
}

TEST(TopModel, waits_are_a_part_of_the_halted_time) {
  auto before = vm("a", {{"guest", 0}, {"halted", 0}}),
       now = vm("a", {{"guest", 2}, {"halted", 2}});
  before.waits = {{"timer", 1}, {"disk", 1}, {"device", 0}, {"unknown", 0}};
  now.waits = {{"timer", 2}, {"disk", 1.4}, {"device", 0.2}, {"unknown", 0.2}};
  const auto row = row_of(before, now);
  EXPECT_EQ(cell(row, "%HALT"), "50.0");
  EXPECT_EQ(cell(row, "%TMR"), "25.0");
  EXPECT_EQ(cell(row, "%DSK"), "10.0");
  EXPECT_EQ(cell(row, "%OTH"), "10.0");
  EXPECT_EQ(cell(row, "%NET"), "-") << "not told";
}

TEST(TopModel, a_wait_that_began_long_before_is_no_more_than_the_halted_time) {
  auto before = vm("a", {{"guest", 0}, {"halted", 98}}),
       now = vm("a", {{"guest", 2}, {"halted", 100}});
  before.waits = {{"timer", 0}, {"disk", 0}};
  now.waits = {{"timer", 75}, {"disk", 25}};
  const auto row = row_of(before, now);
  EXPECT_EQ(cell(row, "%TMR"), "37.5");
  EXPECT_EQ(cell(row, "%DSK"), "12.5");
}

TEST(TopModel, what_an_answer_lacks_is_not_known) {
  const auto look =
      vms_look(R"({"version": 1, "vms": [{"id": "a", "seconds": {"guest": "x", "kvm": null}},
                                 {"name": "no id"}, 7, null]})");
  ASSERT_TRUE(look);
  ASSERT_EQ(look->vms.size(), 1u);
  const auto rows = top_rows(&*look, *look);
  for (const auto& column : top_columns())
    EXPECT_EQ(cell_of(column, rows.rows.at(0)), column.title == "NAME" ? "a" : "-") << column.title;
  for (const auto* text : {"", "[]", "{}", "{\"vms\": 1}", "<html>", "{\"vms\": [", "\"\xff\""})
    EXPECT_FALSE(vms_look(text)) << text;
}

TEST(TopModel, reads_what_the_api_says) {
  const auto look = vms_look(R"({"version": 1, "monotonic_seconds": 12.5, "vms": [{
    "id": "9f", "name": "web-1", "uuid": "9f", "vmm": "qemu", "pid": 7, "start_time_unix_seconds": 1.5,
    "vcpu_count": 4, "seconds": {"guest": 1.25, "ready": 2}, "unaccounted_seconds": 0.5,
    "wait_seconds": {"timer": 3}, "exit_count": 12,
    "verdict": {"cause": "colocated_vm", "seconds": 1, "share": 0.25, "sentence": "So.",
                "culprit": {"kind": "other_vm", "id": "b", "name": "batch-1", "pid": 8, "seconds": 9}}}]})");
  ASSERT_TRUE(look);
  const auto& vm = look->vms.at(0);
  EXPECT_EQ(look->seconds, 12.5);
  EXPECT_EQ(vm.states, (NamedNumbers{{"guest", 1.25}, {"ready", 2}, {"unaccounted", 0.5}}));
  EXPECT_EQ(vm.waits, (NamedNumbers{{"timer", 3}}));
  EXPECT_EQ(vm.exits, 12);
  EXPECT_EQ(vm.cause_share, 0.25);
  EXPECT_EQ(vm.sentence, "So.");
  EXPECT_EQ(vm.culprit, "batch-1");
  EXPECT_EQ(vm.vcpus, 4u);
}

TEST(TopModel, a_culprit_is_named_as_well_as_it_is_known) {
  const auto named = [](const char* json) { return culprit_of(nlohmann::json::parse(json)); };
  EXPECT_EQ(named(R"({"kind": "other_vm", "id": "b", "name": "batch"})"), "batch");
  EXPECT_EQ(named(R"({"kind": "other_vm", "id": "b", "name": ""})"), "b");
  EXPECT_EQ(named(R"({"kind": "host_task", "task": "backup", "pid": 7})"), "backup");
  EXPECT_EQ(named(R"({"kind": "own_vm", "name": "web-1"})"), "itself");
  EXPECT_EQ(named(R"({"kind": "none"})"), "idle CPU");
  EXPECT_EQ(named(R"({"kind": "unknown"})"), "unknown");
}

TEST(TopModel, who_had_the_cpu_for_a_moment_only_is_no_culprit) {
  const auto culprit = [](double seconds) {
    nlohmann::json vm{{"id", "a"}, {"vcpu_count", 2u}};
    vm["verdict"]["culprit"] = {{"kind", "host_task"}, {"task", "cron"}, {"seconds", seconds}};
    return counters_of(vm).culprit;
  };
  EXPECT_EQ(culprit(0.11), "");
  EXPECT_EQ(culprit(0.12), "cron");
}

TEST(TopModel, sorts_numbers_from_the_largest_and_what_is_not_known_last) {
  std::vector<TopRow> rows = {with("low", 1), with("high", 9), with("mid", 5)};
  rows.push_back({vm("new", {}), "new", {}, {}, std::nullopt});
  sort_rows(rows, first_sort_column(), false);
  EXPECT_EQ(names_of(rows), (std::vector<std::string>{"high", "mid", "low", "new"}));
  sort_rows(rows, first_sort_column(), true);
  EXPECT_EQ(names_of(rows), (std::vector<std::string>{"low", "mid", "high", "new"}));
}

TEST(TopModel, sorts_text_from_a_on_and_equal_rows_by_name) {
  std::vector<TopRow> rows = {with("c", 1), with("a", 1), with("b", 1)};
  sort_rows(rows, column_called("name").value(), false);
  EXPECT_EQ(names_of(rows), (std::vector<std::string>{"a", "b", "c"}));
  sort_rows(rows, column_called("name").value(), true);
  EXPECT_EQ(names_of(rows), (std::vector<std::string>{"c", "b", "a"}));
  sort_rows(rows, first_sort_column(), true);
  EXPECT_EQ(names_of(rows), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(TopModel, a_thousand_vms_are_compared_and_sorted) {
  VmsLook first{0.0, {}}, second{2.0, {}};
  for (int i = 0; i < 1000; i++) {
    const auto id = std::to_string(i);
    first.vms.push_back(vm(id, {{"guest", 10}, {"ready", 0}}));
    second.vms.push_back(vm(id, {{"guest", 12}, {"ready", i * 0.001}}));
  }
  auto rows = top_rows(&first, second);
  sort_rows(rows.rows, first_sort_column(), false);
  ASSERT_EQ(rows.rows.size(), 1000u);
  EXPECT_EQ(rows.rows.front().now.id, "999");
  EXPECT_EQ(rows.rows.back().now.id, "0");
}

TEST(TopModel, columns_are_found_by_their_titles) {
  EXPECT_EQ(column_called("%RDY"), column_called("rdy"));
  EXPECT_EQ(column_called("exit/S"), column_called("EXIT/s"));
  EXPECT_FALSE(column_called("nothing"));
  EXPECT_FALSE(column_called(""));
  for (const auto& column : top_columns()) {
    EXPECT_LE(column.title.size(), column.width) << column.title;
    EXPECT_EQ(&top_columns()[column_called(column.title).value()], &column) << "titles are unique";
  }
}

TEST(TopModel, numbers_keep_to_their_columns) {
  EXPECT_EQ(percent_text(0), "0.0");
  EXPECT_EQ(percent_text(99.949), "99.9");
  EXPECT_EQ(percent_text(99.95), "100");
  EXPECT_EQ(percent_text(std::nullopt), "-");
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.5), "0.5");
  EXPECT_EQ(rate_text(123456), "123456");
  EXPECT_EQ(rate_text(1234567), "1235k");
  EXPECT_EQ(rate_text(123456789), "123M");
}

}  // namespace
}  // namespace vmflow::test
