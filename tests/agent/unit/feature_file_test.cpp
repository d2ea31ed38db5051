// SPDX-License-Identifier: GPL-2.0-only
// Tables of features as somebody wrote them, for good or ill.
#include "agent/sources/feature_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace vmflow::test {
namespace {

const std::string kHeader = "host,vm,name,begin_seconds,end_seconds,";

FeatureTable table(const std::string& text) {
  auto table = parse_features(text, "t");
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  return table ? *table : FeatureTable{};
}

std::string problem(const std::string& text, const FeatureFileLimits& limits = {}) {
  const auto table = parse_features(text, "t", limits);
  return table ? "none" : table.error().message;
}

std::string json(const std::string& columns, const std::string& rows) {
  return R"({"schema":"vmflow_features","version":1,"columns":[)" + columns + R"(],"rows":[)" +
         rows + "]}";
}
const std::string kColumnA = R"({"name":"a","unit":"ratio","meaning":"share"})";

std::string row_of(const std::string& values) {
  return R"({"host":"h","vm":"v","name":"n","begin_seconds":1,"end_seconds":2,"values":)" + values +
         "}";
}

}  // namespace

TEST(FeatureFile, csv_has_rows_of_values_and_what_is_not_known) {
  const auto read = table(kHeader + "a,b\nh1,v1,n1,100.5,160.5,0.25,\n\nh1,v2,,0,1,-1e-3,2\n");
  ASSERT_EQ(read.columns.size(), 2u);
  EXPECT_EQ(read.columns[1].name, "b");
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].host, "h1");
  EXPECT_EQ(read.rows[0].vm, "v1");
  EXPECT_EQ(read.rows[0].name, "n1");
  EXPECT_EQ(read.rows[0].begin_seconds, 100.5);
  EXPECT_EQ(read.rows[0].end_seconds, 160.5);
  EXPECT_EQ(read.rows[0].values[0], 0.25);
  EXPECT_TRUE(std::isnan(read.rows[0].values[1]));
  EXPECT_EQ(read.rows[1].values[0], -0.001);
}

TEST(FeatureFile, csv_may_quote_anything) {
  const auto read = table("\xef\xbb\xbf" + kHeader +
                          "\"a,\"\"b\"\"\"\r\nh,v,\"x\"\"y,\r\nz\x1b[31m<b>\",0,1,\"2\"\r\n");
  EXPECT_EQ(read.columns[0].name, "a,\"b\"");
  EXPECT_EQ(read.rows[0].name, "x\"y,\r\nz\x1b[31m<b>");
  EXPECT_EQ(read.rows[0].values[0], 2);
}

TEST(FeatureFile, json_is_the_same_table) {
  const auto read = table(json(kColumnA + R"(,{"name":"b","unit":"","meaning":""})",
                               row_of(R"({"a":0.25,"b":null})") + "," + row_of("{}")));
  EXPECT_EQ(read.columns[0].unit, "ratio");
  ASSERT_EQ(read.rows.size(), 2u);
  EXPECT_EQ(read.rows[0].values[0], 0.25);
  EXPECT_TRUE(std::isnan(read.rows[0].values[1]));
  EXPECT_TRUE(std::isnan(read.rows[1].values[0]));
  EXPECT_EQ(read.rows[0].begin_seconds, 1);
}

TEST(FeatureFile, csv_that_is_wrong_says_where_and_why) {
  const std::string number = " (an empty cell means not known)";
  const std::pair<std::string, std::string> all[] = {
      {"", "t: it is empty; `vmflow features` writes tables"},
      {"\n \n", "t: it is empty; `vmflow features` writes tables"},
      {"vm,a\n1,2\n",
       "t: line 1: the first line does not begin with host,vm,name,begin_seconds,end_seconds; "
       "`vmflow features` writes it"},
      {kHeader.substr(0, kHeader.size() - 1) + "\n", "t: line 1: it has no feature"},
      {kHeader + "a,a\n", "t: line 1: two features are called 'a'"},
      {kHeader + "a,\n", "t: line 1: a feature has no name"},
      {kHeader + "a,b\nh,v,n,0,1,2\n", "t: line 2: it has 6 cells, the first line has 7"},
      {kHeader + "a\nh,v,n,0,1,2\nh,v,n,0,1,2,3,4,5\n",
       "t: line 3: it has 7 cells or more, the first line has 6"},
      {kHeader + "a\nh,v,n,0,1,nan\n", "t: line 2: column 'a': 'nan' is no finite number" + number},
      {kHeader + "a\nh,v,n,0,1,-inf\n",
       "t: line 2: column 'a': '-inf' is no finite number" + number},
      {kHeader + "a\nh,v,n,0,1,1e999\n", "t: line 2: column 'a': '1e999' is out of range" + number},
      {kHeader + "a\nh,v,n,0,1,1e31\n", "t: line 2: column 'a': '1e31' is out of range" + number},
      {kHeader + "a\nh,v,n,0,1,12 %\n", "t: line 2: column 'a': '12 %' is no number" + number},
      {kHeader + "a\nh,v,n,,1,2\n", "t: line 2: column 'begin_seconds': '' is no number" + number},
      {kHeader + "a\nh,v,n,0,inf,2\n",
       "t: line 2: column 'end_seconds': 'inf' is no finite number" + number},
      {kHeader + "a\nh,,n,0,1,2\n", "t: line 2: the column 'vm' is empty"},
      {kHeader + "a\nh,v,\"n\n\n,0,1,2\n", "t: line 2: a quoted cell has no end"},
      {kHeader + "a\nh,v,\"n\n\n\"x,0,1,2\n",
       "t: line 2: a cell does not end at a comma or at the line's end"},
      {kHeader + "a\nh,\"v\nv\",n,0,1,2\nh,v,n,0,1,z\n",
       "t: line 4: column 'a': 'z' is no number" + number},
      {kHeader + "a\nh,v,n\"n,0,1,2\n", "t: line 2: a quote stands inside a cell"}};
  for (const auto& [text, expected] : all) EXPECT_EQ(problem(text), expected) << text;
}

TEST(FeatureFile, json_that_is_wrong_says_where_and_why) {
  const std::pair<std::string, std::string> all[] = {
      {"{", "t: it is no valid JSON"},
      {std::string(1'000'000, '['), "t: lists lie too deep within one another"},
      {R"({"a":"[[[[[[[[[[[[\"[[[[[[[[["})",
       "t: it is no table of features: \"schema\" is not vmflow_features, version 1"},
      {"[1]", "t: it is no table of features: \"schema\" is not vmflow_features, version 1"},
      {R"({"schema":"vmflow_features","version":2})",
       "t: it is no table of features: \"schema\" is not vmflow_features, version 1"},
      {R"({"schema":"vmflow_features","version":1})", "t: it has no list \"columns\""},
      {json("", ""), "t: it has no feature"},
      {json("5", ""), "t: a feature has no name"},
      {json(kColumnA + "," + kColumnA, ""), "t: two features are called 'a'"},
      {json(kColumnA, "5"), "t: row 1: it has no text \"vm\""},
      {json(kColumnA, row_of("[]")), "t: row 1: it has no object \"values\""},
      {json(kColumnA, row_of("{}") + "," + row_of(R"({"a":"1"})")),
       "t: row 2: 'a' is no number and not null"},
      {json(kColumnA, row_of(R"({"a":1e31})")), "t: row 1: 'a' is out of range"},
      {json(kColumnA, row_of(R"({"a":1e999})")), "t: it is no valid JSON"},
      {json(kColumnA, row_of(R"({"a":NaN})")), "t: it is no valid JSON"},
      {json(kColumnA, row_of(R"({"b":1})")), "t: row 1: \"values\" has 'b', which is no column"},
      {json(kColumnA, R"({"vm":"v","values":{}})"),
       "t: row 1: \"begin_seconds\" or \"end_seconds\" is no number"}};
  for (const auto& [text, expected] : all) EXPECT_EQ(problem(text), expected) << text;
}

TEST(FeatureFile, what_is_too_much_is_refused) {
  const FeatureFileLimits limits{.bytes = 100, .columns = 2, .cells = 3};
  EXPECT_EQ(problem(kHeader + "a,b,c\n", limits), "t: line 1: there are more than 2 features");
  const std::string row = "h,v,n,0,1,2\n";
  EXPECT_EQ(problem(kHeader + "a\n" + row + row + row + row, limits),
            "t: line 5: there are more than 3 values");
  EXPECT_EQ(problem(json(kColumnA, row_of("{}") + "," + row_of("{}") + "," + row_of("{}") + "," +
                                       row_of("{}")),
                    limits),
            "t: there are more than 3 values");
  std::istringstream endless(std::string(size_t{1} << 20, 'x'));
  const auto read = read_features({}, endless, {.bytes = 1 << 16});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "stdin: it has more than 0 MiB; pass fewer VMs or windows");
}

// Names that somebody made up stand in one line, short and without escapes.
TEST(FeatureFile, messages_are_one_line_whatever_the_text_is) {
  const std::string evil = "\x1b[31m\"\"<b>\n\xff" + std::string(5000, 'x');
  for (const auto& text : {kHeader + "\"" + evil + "\"\nh,v,n,0,1,\"" + evil + "\"\n",
                           kHeader + "\"" + evil + "\",\"" + evil + "\"\n",
                           json(R"({"name":"\u001b[31m\n"},{"name":"\u001b[31m\n"})", "")}) {
    const auto message = problem(text);
    EXPECT_LT(message.size(), 400u);
    EXPECT_EQ(message.find_first_of("\n\x1b"), std::string::npos) << message;
  }
}

TEST(FeatureFile, several_files_are_one_table) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "vmflow_features";
  std::filesystem::create_directories(folder);
  const auto first = (folder / "a.csv").string(), second = (folder / "b.json").string();
  std::ofstream(first) << kHeader << "a,b\nh1,v,n,0,1,2,3\n";
  std::ofstream(second) << json(R"({"name":"c"},{"name":"a"})", row_of(R"({"a":5,"c":6})"));
  std::istringstream input(kHeader + "b\nh3,v,n,0,1,9\n");
  const auto read = read_features(std::vector{first, second, std::string("-")}, input);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->columns.size(), 3u);
  ASSERT_EQ(read->rows.size(), 3u);
  EXPECT_EQ(read->rows[0].values[1], 3);
  EXPECT_TRUE(std::isnan(read->rows[0].values[2]));
  EXPECT_EQ(read->rows[1].values[0], 5);
  EXPECT_EQ(read->rows[1].values[2], 6);
  EXPECT_EQ(read->rows[2].values[1], 9);
  EXPECT_TRUE(std::isnan(read->rows[2].values[0]));
  const auto missing = read_features(std::vector{folder.string() + "/none"}, input);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "'" + folder.string() + "/none' cannot be read");
  EXPECT_FALSE(read_features(std::vector{folder.string()}, input)) << "a folder";
  std::filesystem::remove_all(folder);
}

TEST(FeatureFile, any_bytes_are_read_or_refused) {
  std::mt19937 random(3);
  const std::string good = kHeader + "a,\"b\"\nh,v,\"n\"\"\n\",0,1,2,3\n";
  const std::string good_json = json(kColumnA, row_of(R"({"a":1})"));
  constexpr char kBytes[] = "\",\n\r0{}[]:-.e\x00\xff";
  for (int i = 0; i < 20000; i++) {
    auto text = i % 2 == 0 ? good : good_json;
    for (uint32_t change = 0; change < 1 + random() % 4; change++)
      text[random() % text.size()] = kBytes[random() % (sizeof(kBytes) - 1)];
    const auto read = parse_features(text, "t");
    if (!read) {
      EXPECT_EQ(read.error().message.find('\n'), std::string::npos);
    }
  }
}

}  // namespace vmflow::test
