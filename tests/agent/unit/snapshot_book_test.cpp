// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_book.h"

#include <gtest/gtest.h>

namespace vmflow::test {

// Its folder gets its name before the recorder's thread says so.
TEST(SnapshotBook, one_that_is_being_taken_is_not_complete_though_the_store_has_it) {
  SnapshotBook book;
  SnapshotSummary summary;
  summary.id = "20260131T120000Z-000001";
  summary.vm = "web-1";
  summary.trigger = "ready_by_others";
  book.begin(summary);
  const std::vector<StoredSnapshot> kept = {{summary.id, 1, 4096}};
  const auto early = book.list(kept);
  ASSERT_EQ(early.size(), 1u);
  EXPECT_EQ(early[0].state, SnapshotState::kRecording);
  EXPECT_EQ(early[0].vm, "web-1");
  book.complete(summary.id, 4096);
  const auto done = book.list(kept);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].state, SnapshotState::kComplete);
  EXPECT_EQ(done[0].vm, "web-1");
  EXPECT_EQ(done[0].bytes, 4096u);
}

}  // namespace vmflow::test
