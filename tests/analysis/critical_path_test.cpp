// SPDX-License-Identifier: GPL-2.0-only
// Critical paths, solved on paper.
#include "analysis/critical_path.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/analysis/drawn_graph.h"

namespace vmflow::test {
namespace {

using Lines = std::vector<std::string>;

Lines path_of(DrawnGraph& drawn, std::string_view who, uint64_t from = 0, uint64_t to = 1000) {
  const auto path = critical_path(drawn.graph, drawn.of(who), from, to);
  expect_conserved(path, drawn.graph);
  return lines_of(path, drawn.graph);
}

}  // namespace

// A runs   0-100, waits for B until 800, runs on.
// B runs 0-200,   waits for its disk until 600, runs on.
TEST(CriticalPath, of_a_process_that_waits_for_one_that_waits_for_its_disk_ends_on_the_disk) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 100).waits("A", 100, 800, Doing::kTask, "B").runs("A", 800, 1000);
  drawn.runs("B", 0, 200).waits("B", 200, 600, Doing::kDisk).runs("B", 600, 1000);
  EXPECT_EQ(path_of(drawn, "A"),
            (Lines{"A running L1 0-100", "B running L1 100-200", "B disk 200-600",
                   "B running L1 600-800", "A running L1 800-1000"}));
  // Only what lies in the window: it is still in the wait at its end, which nobody has ended yet.
  EXPECT_EQ(path_of(drawn, "A", 50, 700), (Lines{"A running L1 50-100", "A task 100-700"}));
  EXPECT_EQ(path_of(drawn, "A", 400, 900),
            (Lines{"B disk 400-600", "B running L1 600-800", "A running L1 800-900"}));
}

// client waits 100-900 for vhost-c, which slept 150-880 for vhost-s, which slept 200-860 for
// server, which waits 300-700 for its iothread, which an interrupt wakes at 690.
TEST(CriticalPath, of_a_vm_that_waits_for_a_vm_goes_over_both_vhosts) {
  DrawnGraph drawn;
  drawn.of("vhost-c", WorkerKind::kVhost);
  drawn.of("vhost-s", WorkerKind::kVhost);
  drawn.of("iothread", WorkerKind::kVmm);
  drawn.runs("client", 0, 100).waits("client", 100, 900, Doing::kNet, "vhost-c");
  drawn.runs("client", 900, 1000);
  drawn.runs("vhost-c", 80, 150, 0).waits("vhost-c", 150, 880, Doing::kTask, "vhost-s");
  drawn.runs("vhost-c", 880, 920, 0);
  drawn.waits("vhost-s", 0, 140, Doing::kTask, "vhost-c").runs("vhost-s", 140, 200, 0);
  drawn.waits("vhost-s", 200, 860, Doing::kTask, "server").runs("vhost-s", 860, 890, 0);
  drawn.waits("server", 0, 190, Doing::kNet, "vhost-s").runs("server", 190, 300);
  drawn.waits("server", 300, 700, Doing::kDisk, "iothread").runs("server", 700, 1000);
  drawn.waits("iothread", 0, 690, Doing::kUnknown).runs("iothread", 690, 710, 0);
  EXPECT_EQ(
      path_of(drawn, "client"),
      (Lines{"client running L1 0-100", "vhost-c running L0 100-150", "vhost-s running L0 150-200",
             "server running L1 200-300", "iothread disk 300-690", "iothread running L0 690-700",
             "server running L1 700-860", "vhost-s running L0 860-880",
             "vhost-c running L0 880-900", "client running L1 900-1000"}));
  const auto path = critical_path(drawn.graph, drawn.of("client"), 0, 1000);
  EXPECT_EQ(path.parts[0].ns, 390u) << "the disk is most of it";
  EXPECT_EQ(path.parts[0].doing, Doing::kDisk);
}

TEST(CriticalPath, keeps_three_levels_of_running_in_order) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 100, 1).runs("A", 100, 150, 0).runs("A", 150, 400, 2).runs("A", 400, 450, 0);
  drawn.waits("A", 450, 900, Doing::kTask, "B").runs("A", 900, 1000, 1);
  drawn.runs("B", 300, 600, 2).runs("B", 600, 650, 0).runs("B", 650, 950, 1);
  EXPECT_EQ(path_of(drawn, "A"),
            (Lines{"A running L1 0-100", "A running L0 100-150", "A running L2 150-400",
                   "A running L0 400-450", "B running L2 450-600", "B running L0 600-650",
                   "B running L1 650-900", "A running L1 900-1000"}));
}

TEST(CriticalPath, ends_on_whoever_has_the_cpu_of_the_one_that_is_waited_for) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 100).waits("A", 100, 900, Doing::kNet, "B").runs("A", 900, 1000);
  drawn.runs("B", 0, 200).is_ready("B", 200, 500, "batch").is_ready("B", 500, 700, "backup");
  drawn.runs("B", 700, 1000).runs("batch", 0, 1000).runs("backup", 500, 700, 0);
  EXPECT_EQ(path_of(drawn, "A"),
            (Lines{"A running L1 0-100", "B running L1 100-200", "B ready <batch 200-500",
                   "B ready <backup 500-700", "B running L1 700-900", "A running L1 900-1000"}));
}

TEST(CriticalPath, keeps_a_wait_that_nobody_or_an_untold_worker_has_ended) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 100).waits("A", 100, 400, Doing::kTimer).runs("A", 400, 500);
  drawn.waits("A", 500, 900, Doing::kNet, "vhost").runs("A", 900, 1000);
  const Lines expected{"A running L1 0-100", "A timer 100-400", "A running L1 400-500",
                       "A net 500-900", "A running L1 900-1000"};
  EXPECT_EQ(path_of(drawn, "A"), expected);
  drawn.runs("vhost", 0, 450, 0);
  EXPECT_EQ(path_of(drawn, "A"), expected) << "nothing in the wait is told of it";
}

// B is told of from 600 to 700 and from 850 on only: the rest of A's wait stays A's.
TEST(CriticalPath, leaves_what_the_waker_does_not_tell_with_who_waits) {
  DrawnGraph drawn;
  drawn.runs("A", 100, 500).waits("A", 500, 900, Doing::kNet, "B").runs("A", 900, 1000);
  drawn.runs("B", 600, 700, 0).runs("B", 850, 950, 0);
  EXPECT_EQ(path_of(drawn, "A"), (Lines{"A unknown 0-100", "A running L1 100-500", "A net 500-600",
                                        "B running L0 600-700", "A net 700-850",
                                        "B running L0 850-900", "A running L1 900-1000"}));
}

// The packet left B at 700 and came to A at 900.
TEST(CriticalPath, counts_the_way_from_a_waker_for_the_wait) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 500).waits("A", 500, 900, Doing::kNet, "B", 700).runs("A", 900, 1000);
  drawn.runs("B", 0, 1000);
  EXPECT_EQ(path_of(drawn, "A"), (Lines{"A running L1 0-500", "B running L1 500-700",
                                        "A net 700-900", "A running L1 900-1000"}));
}

TEST(CriticalPath, does_not_follow_who_slept_on_when_it_woke_another) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 100).waits("A", 100, 900, Doing::kTask, "B").runs("A", 900, 1000);
  drawn.runs("B", 0, 200).waits("B", 200, 950, Doing::kDisk, "C").runs("B", 950, 1000);
  drawn.runs("C", 0, 1000);
  EXPECT_EQ(path_of(drawn, "A"), (Lines{"A running L1 0-100", "B running L1 100-200",
                                        "B disk 200-900", "A running L1 900-1000"}));
}

TEST(CriticalPath, ends_though_workers_wake_each_other_in_circles) {
  DrawnGraph drawn;
  drawn.waits("A", 0, 1000, Doing::kTask, "B").waits("B", 0, 1000, Doing::kTask, "C");
  drawn.waits("C", 0, 1000, Doing::kTask, "A");
  EXPECT_EQ(path_of(drawn, "A"), Lines{"C task 0-1000"});
  EXPECT_EQ(critical_path(drawn.graph, drawn.of("A"), 0, 1000).not_followed, 1u);
  drawn.waits("D", 0, 1000, Doing::kTask, "D");
  EXPECT_EQ(path_of(drawn, "D"), Lines{"D task 0-1000"});
}

TEST(CriticalPath, goes_no_deeper_than_its_limit) {
  DrawnGraph drawn;
  for (int i = 0; i < 200; i++)
    drawn.waits(fmt::format("w{}", i), 0, 1000, Doing::kTask, fmt::format("w{}", i + 1));
  drawn.runs("w200", 0, 1000);
  EXPECT_EQ(path_of(drawn, "w0"), Lines{fmt::format("w{} task 0-1000", kMostDeep)});
}

TEST(CriticalPath, of_nobody_or_of_no_time_is_told_as_such) {
  DrawnGraph drawn;
  drawn.runs("A", 0, 1000);
  EXPECT_TRUE(critical_path(drawn.graph, 0, 500, 500).stretches.empty());
  EXPECT_TRUE(critical_path(drawn.graph, 0, 500, 400).stretches.empty());
  const auto path = critical_path(drawn.graph, kNoWorker, 0, 1000);
  ASSERT_EQ(path.stretches.size(), 1u);
  EXPECT_EQ(path.stretches[0].doing, Doing::kUnknown);
}

// Wake-ups from anybody to anybody, at the end of a wait or before it began or after it ended.
TEST(CriticalPath, of_whatever_graph_fills_its_window) {
  for (uint32_t seed = 0; seed < 300; seed++) {
    std::mt19937 random(seed);
    DrawnGraph drawn;
    const uint32_t workers = 1 + random() % 6;
    for (uint32_t i = 0; i < workers; i++) drawn.of(fmt::format("w{}", i));
    for (auto& chain : drawn.graph.chains)
      for (uint64_t ns = random() % 50; ns < 1000;) {
        // Round times meet often.
        const uint64_t end_ns = ns + 10 * (1 + random() % 10);
        if (random() % 8 != 0)
          chain.push_back({.begin_ns = ns,
                           .end_ns = end_ns,
                           .wake_ns = random() % 8 == 0 ? random() % 1200 : end_ns,
                           .by = random() % 4 == 0
                                     ? kNoWorker
                                     : static_cast<uint32_t>(random() % (workers + 1)),
                           .doing = static_cast<Doing>(random() % kDoings),
                           .level = static_cast<uint8_t>(random() % 3)});
        ns = end_ns;
      }
    for (uint32_t i = 0; i < workers; i++) {
      const uint64_t begin_ns = random() % 500;
      expect_conserved(critical_path(drawn.graph, i, begin_ns, begin_ns + random() % 700),
                       drawn.graph);
    }
  }
}

}  // namespace vmflow::test
