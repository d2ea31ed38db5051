// SPDX-License-Identifier: GPL-2.0-only
// Label lab: guests of six kinds of load, three of each, recorded over three boots (see
// kinds_test.sh): `vmflow cluster` puts each with its kind, and names the cause.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "agent_process.h"
#include "figure.h"
#include "process.h"

namespace vmflow::lab {
namespace {

using Json = nlohmann::json;

constexpr size_t kKinds = 6, kOfEach = 3;
constexpr const char* kOtherExits = "exit-heavy-msr.csv";

std::vector<std::string> recorded() {
  const char* folder = std::getenv("VMFLOW_KINDS");
  if (folder == nullptr) throw std::runtime_error("VMFLOW_KINDS is not set: see kinds_test.sh");
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(folder)) files.push_back(file.path());
  std::ranges::sort(files);
  return files;
}

/// What `vmflow cluster` makes of them. How many groups there are is its choice.
Json clusters(const std::vector<std::string>& files, const std::string& stages) {
  std::vector<std::string> command{vmflow_path(), "cluster",  "--format",
                                   "json",        "--stages", stages};
  command.insert(command.end(), files.begin(), files.end());
  const auto told = run(command);
  if (told.status != 0) throw std::runtime_error(told.err);
  return Json::parse(told.out);
}

/// The truth: a guest is named after its cause, "disk-bound-2".
std::string kind_of(const std::string& name) {
  return name.substr(0, name.rfind('-'));
}

std::vector<std::string> names_of(const Json& all, const Json& cluster) {
  std::vector<std::string> names;
  for (const auto& row : cluster.at("rows"))
    names.push_back(all.at("rows").at(row.get<size_t>()).at("name"));
  return names;
}

void show(const Json& all) {
  const auto& stage = all.at("stages").at(0);
  std::string tried;
  for (const auto& one : stage.at("tried"))
    tried +=
        fmt::format(" {}: {:.3f}", one.at("groups").get<int>(), one.at("silhouette").get<double>());
  figure("{} groups are best; silhouettes{}; {:.3f} is needed", stage.at("groups").get<int>(),
         tried, stage.at("silhouette_needed").get<double>());
  for (const auto& cluster : all.at("clusters"))
    figure("{}: {} ({})", cluster.at("id").get<std::string>(),
           cluster.at("sentence").get<std::string>(), fmt::join(names_of(all, cluster), ", "));
}

/// Every guest is in a cluster of its kind alone, which is called by the cause of that kind.
void expect_right_causes(const Json& all) {
  for (const auto& cluster : all.at("clusters")) {
    const std::string sentence = cluster.at("sentence"), cause = cluster.at("cause");
    EXPECT_TRUE(sentence.starts_with(cause + ",")) << sentence;
    for (const auto& name : names_of(all, cluster)) EXPECT_EQ(kind_of(name), cause) << sentence;
  }
}

/// The kinds that the groups of the first stage have: each one kind, and each kind one group.
void expect_a_group_for_each_kind(const Json& all) {
  std::map<std::string, std::set<std::string>> groups_of;
  for (const auto& row : all.at("rows")) {
    const std::string cluster = row.at("cluster");
    groups_of[kind_of(row.at("name"))].insert(cluster.substr(0, cluster.find('.')));
  }
  EXPECT_EQ(groups_of.size(), kKinds);
  for (const auto& [kind, groups] : groups_of)
    EXPECT_EQ(groups.size(), 1) << kind << " is torn apart";
  EXPECT_EQ(all.at("stages").at(0).at("groups"), kKinds);
  EXPECT_EQ(all.at("stages").at(0).at("groups_given"), false);
  EXPECT_EQ(all.at("stages").at(0).at("told_apart"), true);
}

}  // namespace

TEST(Kinds, of_eighteen_guests_are_told_apart_and_named) {
  auto files = recorded();
  std::erase_if(files, [](const auto& file) { return file.ends_with(kOtherExits); });
  const auto all = clusters(files, "1");
  show(all);
  ASSERT_EQ(all.at("rows").size(), kKinds * kOfEach);
  ASSERT_EQ(all.at("clusters").size(), kKinds);
  for (const auto& cluster : all.at("clusters"))
    EXPECT_EQ(cluster.at("rows").size(), kOfEach) << cluster.at("sentence");
  expect_a_group_for_each_kind(all);
  expect_right_causes(all);
}

// Of one stage a guest that exits by another instruction would be a group of its own.
TEST(Kinds, are_kept_together_by_two_stages_whatever_exits_they_have) {
  const auto all = clusters(recorded(), "2");
  show(all);
  ASSERT_EQ(all.at("rows").size(), kKinds * kOfEach + 1);
  expect_a_group_for_each_kind(all);
  expect_right_causes(all);
}

}  // namespace vmflow::lab
