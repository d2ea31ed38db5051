// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/trigger/snapshot_id.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

namespace fs = std::filesystem;

constexpr StoreLimits kLimits{.quota_bytes = 1 << 20, .min_free_bytes = 0};

struct Stored {
  explicit Stored(const StoreLimits& limits = kLimits) : path(folder.path() + "/snapshots") {
    open(limits);
  }
  void open(const StoreLimits& limits = kLimits) {
    store.reset();
    auto opened = SnapshotStore::open(path, limits);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  /// Its id; empty if it could not be made.
  std::string snapshot(size_t bytes = 1000) {
    const auto id = store->new_id(1'700'000'000);
    auto pending = store->begin(id, 0);
    if (!pending || !pending->write("data", std::string(bytes, 'x'))) return {};
    return store->complete(std::move(*pending)) ? id : std::string();
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> ids;
    for (const auto& kept : store->list()) ids.push_back(kept.id);
    return ids;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
  }

  TemporaryFolder folder;
  std::string path;
  std::unique_ptr<SnapshotStore> store;
};

using Ids = std::vector<std::string>;

TEST(SnapshotId, has_the_time_and_a_number) {
  EXPECT_EQ(snapshot_id(1'700'000'000, 42), "20231114T221320Z-000042");
  EXPECT_EQ(number_of_snapshot("20231114T221320Z-000042"), 42u);
  EXPECT_EQ(number_of_snapshot("20231114T221320Z-12345678"), 12345678u);
}

TEST(SnapshotId, nothing_else_is_one) {
  for (const auto* text :
       {"", "..", ".", "/etc", "20231114T221320Z-", "20231114T221320Z-00004/",
        "../20231114T221320Z-1", "20231114T221320Z-00042a", "2023111aT221320Z-000042",
        "20231114T221320Z-+00042", "20231114T221320Z-0000000000000000000000042"})
    EXPECT_EQ(number_of_snapshot(text), std::nullopt) << text;
}

TEST(SnapshotStore, a_snapshot_is_there_when_it_is_complete_and_not_before) {
  Stored stored;
  const auto id = stored.store->new_id(1'700'000'000);
  auto pending = stored.store->begin(id, 0);
  ASSERT_TRUE(pending) << pending.error().message;
  ASSERT_TRUE(pending->write("finding.json", "{}"));
  EXPECT_EQ(stored.ids(), Ids{});
  EXPECT_EQ(stored.store->read(id, "finding.json"), std::nullopt);
  ASSERT_TRUE(stored.store->complete(std::move(*pending)));
  EXPECT_EQ(stored.ids(), Ids{id});
  EXPECT_EQ(stored.store->read(id, "finding.json"), "{}");
  EXPECT_EQ(stored.store->files_of(id), Ids{"finding.json"}) << "not the marker";
}

TEST(SnapshotStore, one_that_is_given_up_leaves_nothing) {
  Stored stored;
  {
    auto pending = stored.store->begin(stored.store->new_id(0), 0);
    ASSERT_TRUE(pending);
    ASSERT_TRUE(pending->make_folder("trace"));
    ASSERT_TRUE(pending->write("trace/data", "x"));
  }
  EXPECT_EQ(stored.names(), Ids{".lock"});
}

TEST(SnapshotStore, is_for_its_owner_alone) {
  Stored stored;
  const auto id = stored.snapshot();
  struct stat status {};
  for (const auto& path : {stored.path, stored.path + "/" + id, stored.path + "/" + id + "/data"}) {
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 077, 0u) << path;
  }
}

TEST(SnapshotStore, finds_again_what_is_there_and_goes_on_counting) {
  Stored stored;
  const auto first = stored.snapshot();
  stored.open();
  const auto second = stored.snapshot();
  EXPECT_EQ(stored.ids(), (Ids{first, second}));
  EXPECT_EQ(*number_of_snapshot(second), *number_of_snapshot(first) + 1);
}

TEST(SnapshotStore, the_oldest_go_first_whatever_the_clock_says) {
  Stored stored({.quota_bytes = 3500, .min_free_bytes = 0});
  const auto first = stored.snapshot();
  const auto second = stored.snapshot();
  const auto id = stored.store->new_id(1'000'000'000);  // the clock is set back
  auto pending = stored.store->begin(id, 0);
  ASSERT_TRUE(pending);
  ASSERT_TRUE(pending->write("data", std::string(1000, 'x')));
  ASSERT_TRUE(stored.store->complete(std::move(*pending)));
  EXPECT_EQ(stored.ids(), (Ids{first, second, id}));
  const auto last = stored.snapshot();
  EXPECT_EQ(stored.ids(), (Ids{second, id, last}));
  EXPECT_FALSE(fs::exists(stored.path + "/" + first));
  EXPECT_LE(stored.store->stored_bytes(), 3500u);
}

TEST(SnapshotStore, one_that_is_larger_than_the_quota_is_not_kept) {
  Stored stored({.quota_bytes = 3500, .min_free_bytes = 0});
  const auto first = stored.snapshot();
  EXPECT_EQ(stored.snapshot(4000), "");
  EXPECT_EQ(stored.names(), (Ids{".lock", first}));
}

TEST(SnapshotStore, the_newest_is_never_given_up_for_another) {
  Stored stored({.quota_bytes = 3500, .min_free_bytes = 0});
  const auto first = stored.snapshot(3000);
  EXPECT_EQ(stored.store->room(1000), Refusal::kQuota);
  EXPECT_FALSE(stored.store->begin(stored.store->new_id(0), 1000));
  EXPECT_EQ(stored.ids(), Ids{first});
  EXPECT_EQ(stored.store->room(100), std::nullopt);
}

TEST(SnapshotStore, a_file_system_that_is_too_full_is_left_alone) {
  Stored stored({.quota_bytes = 1 << 20, .min_free_bytes = uint64_t{1} << 60});
  EXPECT_EQ(stored.store->room(0), Refusal::kDisk);
  EXPECT_EQ(stored.snapshot(), "");
  EXPECT_EQ(stored.names(), Ids{".lock"});
}

TEST(SnapshotStore, leftovers_of_a_crash_go_and_nothing_else) {
  Stored stored;
  const auto kept = stored.snapshot();
  stored.store.reset();
  const std::string crashed = stored.path + "/.unfinished-20231114T221320Z-000007";
  fs::create_directories(crashed + "/trace");
  std::ofstream(crashed + "/.vmflow-snapshot") << "x";
  fs::create_directories(stored.path +
                         "/.unfinished-20231114T221320Z-000008");  // before its marker
  fs::create_directories(stored.path + "/.unfinished-20231114T221320Z-000009");
  std::ofstream(stored.path + "/.unfinished-20231114T221320Z-000009/precious") << "x";
  fs::create_directories(stored.path + "/.unfinished-notes");
  std::ofstream(stored.path + "/notes") << "x";
  stored.open();
  EXPECT_EQ(stored.names(), (Ids{".lock", ".unfinished-20231114T221320Z-000009",
                                 ".unfinished-notes", kept, "notes"}));
}

TEST(SnapshotStore, what_it_has_not_made_is_neither_listed_nor_removed) {
  Stored stored({.quota_bytes = 2500, .min_free_bytes = 0});
  const std::string foreign = "20200101T000000Z-000001";
  fs::create_directories(stored.path + "/" + foreign);
  std::ofstream(stored.path + "/" + foreign + "/finding.json") << "{}";
  stored.open({.quota_bytes = 2500, .min_free_bytes = 0});
  EXPECT_EQ(stored.store->read(foreign, "finding.json"), std::nullopt);
  for (int i = 0; i < 5; i++) EXPECT_NE(stored.snapshot(), "");
  EXPECT_EQ(stored.ids().size(), 2u);
  EXPECT_TRUE(fs::exists(stored.path + "/" + foreign + "/finding.json"));
}

TEST(SnapshotStore, follows_no_link) {
  Stored stored;
  const auto outside = stored.folder.write("outside/finding.json", "secret");
  fs::create_directory_symlink(stored.folder.path() + "/outside",
                               stored.path + "/20200101T000000Z-000001");
  std::ofstream(stored.folder.path() + "/outside/.vmflow-snapshot") << "x";
  fs::create_directory_symlink(stored.folder.path() + "/outside",
                               stored.path + "/.unfinished-20200101T000000Z-000002");
  const auto id = stored.snapshot();
  fs::create_symlink(outside, stored.path + "/" + id + "/finding.json");
  stored.open();
  EXPECT_EQ(stored.ids(), Ids{id});
  EXPECT_EQ(stored.store->read("20200101T000000Z-000001", "finding.json"), std::nullopt);
  EXPECT_EQ(stored.store->read(id, "finding.json"), std::nullopt);
  EXPECT_EQ(stored.store->files_of(id), Ids{"data"});
  EXPECT_TRUE(fs::exists(outside));
}

TEST(SnapshotStore, a_path_is_no_id) {
  Stored stored;
  stored.folder.write("finding.json", "secret");
  for (const auto* id : {"..", "../snapshots", "", ".", "/"})
    EXPECT_EQ(stored.store->read(id, "finding.json"), std::nullopt) << id;
  EXPECT_FALSE(stored.store->begin("../x", 0));
}

TEST(SnapshotStore, two_agents_do_not_share_a_folder) {
  Stored stored;
  const auto second = SnapshotStore::open(stored.path, kLimits);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST(SnapshotStore, a_folder_that_others_may_write_in_is_refused) {
  TemporaryFolder folder;
  const auto path = folder.path() + "/open";
  fs::create_directory(path);
  fs::permissions(path, fs::perms::all);
  const auto opened = SnapshotStore::open(path, kLimits);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("trace.dir"), std::string::npos);
}

TEST(SnapshotStore, a_file_where_a_folder_should_be_is_refused) {
  TemporaryFolder folder;
  EXPECT_FALSE(SnapshotStore::open(folder.write("file", "x"), kLimits));
  EXPECT_FALSE(SnapshotStore::open(folder.path() + "/file/below", kLimits));
}

}  // namespace
TEST(SnapshotStore, what_a_killed_agent_had_begun_to_add_is_gone) {
  Stored stored;
  const auto id = stored.snapshot();
  std::ofstream(stored.path + "/" + id + "/report.html.partial") << "<html>half";
  stored.open();
  EXPECT_EQ(stored.ids(), std::vector<std::string>{id});
  EXPECT_EQ(stored.store->files_of(id), std::vector<std::string>{"data"});
  EXPECT_TRUE(stored.store->add(id, "report.html", "whole"));
}

TEST(SnapshotStore, what_is_added_later_counts_for_the_quota) {
  Stored stored({.quota_bytes = 5000, .min_free_bytes = 0});
  const auto oldest = stored.snapshot(2000), newest = stored.snapshot(2000);
  ASSERT_TRUE(stored.store->add(newest, "report.html", std::string(500, 'x')));
  EXPECT_EQ(stored.store->read(newest, "report.html"), std::string(500, 'x'));
  EXPECT_EQ(stored.ids(), (std::vector<std::string>{oldest, newest}));
  ASSERT_TRUE(stored.store->add(newest, "report.json", std::string(1000, 'x')));
  EXPECT_EQ(stored.ids(), std::vector<std::string>{newest}) << "the oldest had to go";
  EXPECT_FALSE(stored.store->add(newest, "report.json", "again")) << "nothing is replaced";
  EXPECT_EQ(stored.store->files_of(newest).size(), 3u) << "and no part of it is left";
  EXPECT_FALSE(stored.store->add(oldest, "report.html", "late")) << "it is gone";
}

}  // namespace vmflow::test
