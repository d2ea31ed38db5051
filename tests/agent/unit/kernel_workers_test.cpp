// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/kernel_workers.h"

#include <gtest/gtest.h>

#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

using Threads = std::map<uint32_t, std::vector<ThreadReading>>;

void write_thread(const TemporaryFolder& proc, const std::string& tid, const std::string& name,
                  int parent) {
  proc.write(tid + "/stat", tid + " (" + name + ") S " + std::to_string(parent) + " 0 0\n");
  proc.write(tid + "/comm", name + "\n");
  proc.write(tid + "/schedstat", "5000 600 7\n");
}

/// A VMM 100, whose thread 105 owns a vhost device.
void add_a_worker(const TemporaryFolder& proc) {
  proc.write("105/status", "Name:\tqemu\nTgid:\t100\nNgid:\t0\nPid:\t105\n");
  write_thread(proc, "2", "kthreadd", 0);
  write_thread(proc, "3", "kworker/0:1", 2);
  write_thread(proc, "900", "vhost-105", 2);
}

}  // namespace

TEST(KernelWorkers, belong_to_the_process_of_the_thread_that_they_are_named_after) {
  const TemporaryFolder proc;
  add_a_worker(proc);
  for (const bool is_listed : {true, false}) {
    if (is_listed) proc.write("2/task/2/children", "3 900 ");
    Threads threads{{100, {}}, {200, {}}};
    KernelWorkers(proc.path()).add_to(threads);
    ASSERT_EQ(threads[100].size(), 1u);
    EXPECT_EQ(threads[100][0].tid, 900u);
    EXPECT_EQ(threads[100][0].name, "vhost-105");
    EXPECT_EQ(threads[100][0].cpu_ns, 5000u);
    EXPECT_TRUE(threads[200].empty());
  }
}

TEST(KernelWorkers, are_looked_at_once) {
  const TemporaryFolder proc;
  add_a_worker(proc);
  proc.write("2/task/2/children", "3 900 ");
  KernelWorkers workers(proc.path());
  Threads threads{{100, {}}};
  workers.add_to(threads);
  // Its owner may end: it is known by then.
  proc.write("105/status", "");
  proc.write("3/stat", "3 (vhost-105) S 2 0 0\n");
  threads = {{100, {}}};
  workers.add_to(threads);
  ASSERT_EQ(threads[100].size(), 1u);
  EXPECT_EQ(threads[100][0].tid, 900u);
}

TEST(KernelWorkers, are_not_what_a_tenant_has_named) {
  const TemporaryFolder proc;
  add_a_worker(proc);
  write_thread(proc, "901", "vhost-105", 1);  // no kernel thread
  write_thread(proc, "902", "x) S 2 (vhost-105", 1);
  proc.write("2/task/2/children", "901 902 ");
  Threads threads{{100, {}}};
  KernelWorkers(proc.path()).add_to(threads);
  EXPECT_TRUE(threads[100].empty());
}

TEST(KernelWorkers, that_have_no_name_yet_are_looked_at_again) {
  const TemporaryFolder proc;
  add_a_worker(proc);
  proc.write("2/task/2/children", "900 ");
  proc.write("900/stat", "900 (kthreadd) S 2 0 0\n");
  KernelWorkers workers(proc.path());
  Threads threads{{100, {}}};
  workers.add_to(threads);
  EXPECT_TRUE(threads[100].empty());
  proc.write("900/stat", "900 (vhost-105) S 2 0 0\n");
  workers.add_to(threads);
  EXPECT_EQ(threads[100].size(), 1u);
}

TEST(KernelWorkers, of_a_process_that_is_gone_are_left_out) {
  const TemporaryFolder proc;
  add_a_worker(proc);
  Threads threads{{200, {}}};
  KernelWorkers(proc.path()).add_to(threads);
  EXPECT_EQ(threads.size(), 1u);
  EXPECT_TRUE(threads[200].empty());
  threads.clear();
  KernelWorkers(proc.path()).add_to(threads);
  EXPECT_TRUE(threads.empty());
}

}  // namespace vmflow::test
