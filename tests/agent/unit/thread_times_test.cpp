// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/thread_times.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {

TEST(ReadThreads, of_a_process_are_those_with_scheduler_statistics) {
  const TemporaryFolder proc;
  proc.write("100/task/100/schedstat", "5000 600 7\n");
  proc.write("100/task/100/comm", "IO (x) 1\n");
  proc.write("100/task/101/comm", "has just ended\n");
  proc.write("100/task/102/schedstat", "");
  const auto threads = read_threads(proc.path(), 100);
  ASSERT_EQ(threads.size(), 1u);
  EXPECT_EQ(threads[0].tid, 100u);
  EXPECT_EQ(threads[0].name, "IO (x) 1");
  EXPECT_EQ(threads[0].cpu_ns, 5000u);
  EXPECT_EQ(threads[0].ready_ns, 600u);
}

TEST(ReadThreads, of_a_process_that_is_gone_are_none) {
  EXPECT_TRUE(read_threads(TemporaryFolder().path(), 100).empty());
}

}  // namespace vmflow::test
