// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/long_lists.h"

#include <gtest/gtest.h>

#include <limits>

namespace vmflow::test {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

void two_rows(RowsText& rows) {
  rows.begin_row().number(kLeast).word("halted").number(-1).end_row();
  rows.begin_row().number(0).word("").number(7).end_row();
}

void no_rows(RowsText&) {}

Json two_rows_as_tree() {
  return Json::array({Json::array({kLeast, "halted", -1}), Json::array({0, "", 7})});
}

}  // namespace

TEST(LongLists, stand_where_they_belong_in_the_tree) {
  LongLists lists;
  const Json tree{{"a", {1, nullptr, {{"rows", lists.add(2, two_rows)}, {"after", "x"}}}},
                  {"none", lists.add(0, no_rows)},
                  {"empty", Json::object()},
                  {"last", Json::array()}};
  const Json whole{{"a", {1, nullptr, {{"rows", two_rows_as_tree()}, {"after", "x"}}}},
                   {"none", Json::array()},
                   {"empty", Json::object()},
                   {"last", Json::array()}};
  EXPECT_EQ(lists.text(tree), whole.dump());
}

TEST(LongLists, text_of_others_is_written_as_nlohmann_writes_it) {
  const Json tree{{"quote\" \n", "\x01 \xff broken"},
                  {"numbers", {0.1, -0.0, 1e300, std::numeric_limits<double>::quiet_NaN()}},
                  {"like a list", R"({"bytes":[],"subtype":0})"}};
  EXPECT_EQ(LongLists().text(tree), tree.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace vmflow::test
