// SPDX-License-Identifier: GPL-2.0-only
// Edges of the execution graph, rule by rule as the thesis builds them (HEC; see
// thesis_tables_test.cpp for which rule is which test).
#include <gtest/gtest.h>

#include "analysis/build_graph.h"
#include "tests/analysis/drawn_graph.h"
#include "tests/analysis/thesis_row.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kA = 0xa000, kKvm = 0x1000;
const DrawnThread kVcpu{101, 100, comm_of("vCPU")}, kSibling{102, 100, comm_of("sibling")};
const DrawnThread kVhost{103, 100, comm_of("vhost-100")}, kIothread{104, 100, comm_of("IO disk")};
const DrawnThread kTask{300, 300, comm_of("make")};

struct Graph {
  ReplayResult replayed;
  ExecutionGraph graph;

  explicit Graph(const std::vector<Event>& events) {
    ThreadFlow threads;
    for (const auto& event : events) threads.step(event);
    replayed = replay(events);
    graph = build_graph(replayed, guest_processes(replayed), std::move(threads).finish());
  }
  uint32_t of(const DrawnThread& thread) const {
    const auto found = std::ranges::find(graph.workers, thread.tid, &Worker::tid);
    return static_cast<uint32_t>(found - graph.workers.begin());
  }
  uint32_t of_process(uint64_t cr3) const {
    const auto found =
        std::ranges::find(graph.workers, cr3, [](const Worker& each) { return each.process.cr3; });
    return static_cast<uint32_t>(found - graph.workers.begin());
  }
  /// "running L1 500-1000", "ready 1000-2000 <make", "task 2000-3000 <sibling".
  Lines edges_of(uint32_t worker) const {
    if (worker >= graph.chains.size()) return {"nobody"};
    Lines lines;
    for (const auto& each : graph.chains[worker]) {
      std::string line(doing_name(each.doing));
      if (each.doing == Doing::kRunning) line += fmt::format(" L{}", each.level);
      line += fmt::format(" {}-{}", each.begin_ns, each.end_ns);
      if (each.by != kNoWorker) line += " <" + name_in(graph, each.by);
      lines.push_back(line);
    }
    return lines;
  }
};

class ThesisGraph : public testing::TestWithParam<ExitWords> {
 protected:
  const ExitWords& words = GetParam();

  static RegistersEvent runs(uint64_t cr3) {
    return {.cr3 = cr3, .rsp = 0x7fff'0000'1000, .cpl = 3};
  }
  /// A process runs from 500 on and halts at 2000; at 5000 `waker` wakes its vCPU, by an interrupt
  /// of the host if `in_interrupt`; 5010 in, 5020 entry, 6000 exit.
  std::vector<Event> halt(const DrawnThread& waker, uint64_t wake, bool in_interrupt) const {
    DrawnTrace trace;
    trace.on(3, kIdle).to(400, waker, 0);
    trace.on(0, kVcpu, kKvm).at(500, EntryEvent{0});
    trace.at(1000, words.exit(words.cpuid, 0)).at(1000, runs(kA)).at(1020, EntryEvent{0});
    trace.at(2000, words.exit(words.halt, 0)).at(2000, runs(kA)).to(2010, kIdle, 1);
    trace.on(3, waker);
    if (waker.tid == kSibling.tid)
      trace.at(450, EntryEvent{1}).at(4900, words.exit(words.msr, 1)).at(5005, EntryEvent{1});
    if (in_interrupt) trace.at(4990, IrqEvent{true});
    trace.wakes(5000, kVcpu, 0).at(5000, WakeEvent{kVcpu.tid, wake});
    if (in_interrupt) trace.at(5002, IrqEvent{false});
    trace.on(0, kIdle).to(5010, kVcpu, 0).on(0, kVcpu, kKvm).at(5020, EntryEvent{0});
    trace.at(6000, words.exit(words.cpuid, 0)).at(6000, runs(kA));
    return in_order(trace.events);
  }
};

}  // namespace

// TIMER, BLOCK_DEVICE, NETWORK, and BLOCKED with a vertical edge: what ends the wait names the edge
// of the vCPU and of the process on it, and who ended it is linked.
TEST_P(ThesisGraph, what_ends_a_wait_names_its_edge_and_links_who_ended_it) {
  struct Case {
    const DrawnThread& waker;
    flow_wake_kind kind;
    bool in_interrupt;
    std::string edge, link;
  };
  for (const auto& one : {Case{kTask, FLOW_WAKE_OWN_INTERRUPT, true, "timer", ""},
                          Case{kIothread, FLOW_WAKE_VMM_DISK, false, "disk", " <IO disk"},
                          Case{kVhost, FLOW_WAKE_VHOST, false, "net", " <vhost-100"},
                          Case{kSibling, FLOW_WAKE_IPI, false, "task", " <sibling"},
                          Case{kTask, FLOW_WAKE_HARDIRQ, true, "unknown", ""}}) {
    const uint32_t who = one.kind == FLOW_WAKE_IPI ? 1 : one.waker.tid;
    const Graph graph(halt(one.waker, flow_waker(who, one.kind), one.in_interrupt));
    EXPECT_EQ(graph.edges_of(graph.of(kVcpu)),
              (Lines{"running L1 500-1000", "running L0 1000-1020", "running L1 1020-2000",
                     "running L0 2000-2010", one.edge + " 2010-5000" + one.link, "ready 5000-5010",
                     "running L0 5010-5020", "running L1 5020-6000"}))
        << one.edge;
    // A process is asleep from the exit on; a sibling links no process that nobody has seen.
    const auto link = one.kind == FLOW_WAKE_IPI ? "" : one.link;
    EXPECT_EQ(graph.edges_of(graph.of_process(kA)),
              (Lines{"running L1 500-1000", "running L0 1000-1020", "running L1 1020-2000",
                     one.edge + " 2000-5000" + link, "ready 5000-5010", "running L0 5010-5020",
                     "running L1 5020-6000"}))
        << one.edge;
    const auto links = wake_ups(graph.graph);
    const auto is_linked = [&](const WakeUp& link) {
      return link.ns == 5000 && link.to == graph.of(kVcpu) && link.from == graph.of(one.waker);
    };
    EXPECT_EQ(std::ranges::any_of(links, is_linked), !one.link.empty()) << one.edge;
  }
}

// PREEMPTED, remembered at the switch-out whose last exit was not HLT: of the vCPU, of its process.
TEST_P(ThesisGraph, preempted_vcpu_and_its_process_are_ready_behind_who_has_the_cpu) {
  DrawnTrace trace;
  trace.on(9, kTask).to(200, kIdle, 1);
  trace.on(0, kVcpu, kKvm).at(500, EntryEvent{0});
  trace.at(1000, words.exit(words.interrupt, 0)).at(1000, runs(kA)).at(1020, EntryEvent{0});
  trace.at(2000, words.exit(words.interrupt, 0)).at(2000, runs(kA)).to(2010, kTask, 0);
  trace.to(4000, kVcpu, 0).on(0, kVcpu, kKvm).accept(4010, 0).at(4020, EntryEvent{0});
  trace.at(5000, words.exit(words.interrupt, 0)).at(5000, runs(kA));
  const Graph graph(trace.events);
  const Lines edges{"running L1 500-1000",  "running L0 1000-1020",  "running L1 1020-2000",
                    "running L0 2000-2010", "ready 2010-4000 <make", "running L0 4000-4020",
                    "running L1 4020-5000"};
  EXPECT_EQ(graph.edges_of(graph.of(kVcpu)), edges);
  EXPECT_EQ(graph.edges_of(graph.of_process(kA)), edges);
}

// RUNNING HL0, HL1, HL2.
TEST_P(ThesisGraph, running_time_is_an_edge_of_each_level) {
  DrawnTrace trace;
  trace.on(0, kVcpu, kKvm).at(1000, EntryEvent{0}).at(2000, words.exit(words.runs_guest, 0));
  trace.at(2010, NestedEnterEvent{0x7f000, 0x8000}).at(2020, EntryEvent{0});
  trace.at(3000, words.exit(words.cpuid, 0)).at(3005, NestedExitEvent{}).at(3010, EntryEvent{0});
  trace.at(5000, words.exit(words.msr, 0)).at(5005, NestedExitEvent{});
  trace.at(5006, NestedReflectEvent{words.msr}).at(5010, EntryEvent{0});
  trace.at(6000, words.exit(words.cpuid, 0));
  const Graph graph(trace.events);
  EXPECT_EQ(graph.edges_of(graph.of(kVcpu)),
            (Lines{"running L1 1000-2000", "running L0 2000-2020", "running L2 2020-3000",
                   "running L0 3000-3010", "running L2 3010-5000", "running L0 5000-5010",
                   "running L1 5010-6000"}));
}

// The vCPU kicks its vhost worker, which sleeps until then: BLOCKED and a vertical edge.
TEST_P(ThesisGraph, vhost_worker_is_blocked_until_a_vcpu_kicks_it) {
  DrawnTrace trace;
  trace.on(2, kVhost).to(100, kIdle, 1).on(0, kIdle).to(400, kVcpu, 0);
  trace.on(0, kVcpu, kKvm).at(500, EntryEvent{0}).at(1000, words.exit(words.io, 0));
  trace.wakes(1010, kVhost, 2).at(1020, EntryEvent{0}).at(3000, words.exit(words.io, 0));
  trace.on(2, kIdle).to(1050, kVhost, 0).to(2000, kIdle, 1);
  const Graph graph(in_order(trace.events));
  EXPECT_EQ(graph.edges_of(graph.of(kVhost)), (Lines{"task 100-1010 <vCPU", "ready 1010-1050",
                                                     "running L0 1050-2000", "unknown 2000-3000"}));
  EXPECT_EQ(wake_ups(graph.graph),
            (std::vector<WakeUp>{{1010, graph.of(kVcpu), graph.of(kVhost)}}));
}

// A wake-up that is lost links nobody, and one that is told twice links once.
TEST_P(ThesisGraph, lost_wake_up_links_nobody_and_a_doubled_one_once) {
  const auto events = halt(kIothread, flow_waker(kIothread.tid, FLOW_WAKE_VMM_DISK), false);
  auto lost = events;
  std::erase_if(lost, [](const Event& e) {
    return std::holds_alternative<WakingEvent>(e.data) || std::holds_alternative<WakeEvent>(e.data);
  });
  const Graph without(lost), twice(doubled(events)), once(events);
  EXPECT_EQ(without.edges_of(without.of(kVcpu))[4], "unknown 2010-5010");
  EXPECT_TRUE(wake_ups(without.graph).empty());
  EXPECT_EQ(twice.edges_of(twice.of(kVcpu)), once.edges_of(once.of(kVcpu)));
  EXPECT_EQ(wake_ups(twice.graph), wake_ups(once.graph));
}

INSTANTIATE_TEST_SUITE_P(Thesis, ThesisGraph, both_vendors(), vendor_of);

}  // namespace vmflow::test
