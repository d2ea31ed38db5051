// SPDX-License-Identifier: GPL-2.0-only
// From recorded events to a path: two VMs that talk over vhost, drawn event by event.
#include "analysis/execution_graph.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/analysis/drawn_life.h"
#include "tests/analysis/exit_words.h"
#include "tests/analysis/replayed_graph.h"

namespace vmflow::test {
namespace {

const DrawnThread kClient{101, 100, comm_of("client")},
    kClientVhost{110, 100, comm_of("vhost-100")};
const DrawnThread kServer{201, 200, comm_of("server")},
    kServerVhost{210, 200, comm_of("vhost-200")};
const DrawnThread kIothread{220, 200, comm_of("IO iothread0")}, kHog{300, 300, comm_of("hog")};

/// Units: nanoseconds. The client is on CPU 0, the server on 1, the vhost workers on 2 and 3, the
/// server's iothread on 4.
class TwoVms {
 public:
  explicit TwoVms(const ExitWords& words) : words_(words) {}

  DrawnTrace trace;

  TwoVms& leaves(uint64_t ns, uint32_t code) {
    trace.at(ns, ExitEvent{.code = code, .isa = words_.isa, .rip = 0, .vcpu_id = 0});
    return *this;
  }
  /// It writes to a device, for which KVM wakes a thread.
  TwoVms& kicks(uint64_t ns, const DrawnThread& thread, uint32_t cpu) {
    leaves(ns, words_.io);
    trace.wakes(ns + 10, thread, cpu).at(ns + 20, EntryEvent{0});
    return *this;
  }
  TwoVms& halts(uint64_t ns) {
    leaves(ns, words_.halt);
    trace.to(ns + 10, kIdle, 1);
    return *this;
  }
  TwoVms& gives(uint64_t ns, const DrawnThread& vcpu, uint32_t cpu, uint64_t waker) {
    trace.accept(ns - 100, 0).wakes(ns, vcpu, cpu).at(ns, WakeEvent{vcpu.tid, waker});
    return *this;
  }
  void draw();

 private:
  const ExitWords words_;
};

void TwoVms::draw() {
  trace.on(0, kClient, 1).at(1000, EntryEvent{0});
  trace.on(1, kServer, 2).at(1000, EntryEvent{0});
  halts(2000);
  // The client asks, over both vhost workers.
  trace.on(0, kClient, 1);
  kicks(10'000, kClientVhost, 2).halts(11'000);
  trace.on(2, kIdle).to(10'030, kClientVhost, 0).wakes(12'000, kServerVhost, 3);
  trace.to(12'100, kIdle, 1);
  trace.on(3, kIdle).to(12'050, kServerVhost, 0);
  gives(13'000, kServer, 1, flow_waker(kServerVhost.tid, FLOW_WAKE_VHOST));
  trace.to(13'100, kIdle, 1);
  // The server needs its disk.
  trace.on(1, kIdle).to(13'050, kServer, 0);
  trace.on(1, kServer, 2).at(13'100, EntryEvent{0});
  kicks(20'000, kIothread, 4).halts(21'000);
  trace.on(4, kIdle).to(20'050, kIothread, 0).to(20'500, kIdle, 1).at(70'000, IrqEvent{true});
  trace.wakes(70'010, kIothread, 4).at(70'020, IrqEvent{false}).to(70'050, kIothread, 0);
  gives(71'000, kServer, 1, flow_waker(kIothread.tid, FLOW_WAKE_VMM_DISK));
  trace.to(71'100, kIdle, 1);
  // And answers.
  trace.on(1, kIdle).to(71'050, kServer, 0);
  trace.on(1, kServer, 2).at(71'100, EntryEvent{0});
  kicks(80'000, kServerVhost, 3);
  trace.on(3, kIdle).to(80'050, kServerVhost, 0).wakes(81'000, kClientVhost, 2);
  trace.to(81'100, kIdle, 1);
  trace.on(2, kIdle).to(81'050, kClientVhost, 0);
  gives(82'000, kClient, 0, flow_waker(kClientVhost.tid, FLOW_WAKE_VHOST));
  trace.to(82'100, kIdle, 1);
  trace.on(0, kIdle).to(82'050, kClient, 0);
  trace.on(0, kClient, 1).at(82'100, EntryEvent{0});
  leaves(90'000, words_.io);
  std::ranges::stable_sort(trace.events, {}, &Event::ns);
}

void expect_in_order(const ExecutionGraph& graph) {
  ASSERT_EQ(graph.chains.size(), graph.workers.size());
  for (const auto& chain : graph.chains) {
    uint64_t at_ns = 0;
    for (const auto& each : chain) {
      EXPECT_LE(at_ns, each.begin_ns);
      EXPECT_LT(each.begin_ns, each.end_ns);
      at_ns = each.end_ns;
    }
  }
}

class BothVendors : public testing::TestWithParam<ExitWords> {};

}  // namespace

TEST_P(BothVendors, client_waits_for_the_servers_disk_over_both_vhosts) {
  TwoVms vms(GetParam());
  vms.draw();
  const Graph graph(vms.trace.events);
  expect_in_order(graph.graph);
  EXPECT_EQ(graph.path(graph.of(kClient)),
            (Lines{"client running L1 1000-10000",        "client running L0 10000-10020",
                   "client running L1 10020-11000",       "client running L0 11000-11010",
                   "vhost-100 running L0 11010-12100",    "vhost-200 running L0 12100-13100",
                   "server running L1 13100-20000",       "server running L0 20000-20020",
                   "server running L1 20020-21000",       "server running L0 21000-21010",
                   "IO iothread0 disk 21010-70010",       "IO iothread0 ready 70010-70050",
                   "IO iothread0 running L0 70050-71000", "server ready 71000-71050",
                   "server running L0 71050-71100",       "server running L1 71100-80000",
                   "server running L0 80000-80010",       "vhost-200 ready 80010-80050",
                   "vhost-200 running L0 80050-81000",    "vhost-100 ready 81000-81050",
                   "vhost-100 running L0 81050-82000",    "client ready 82000-82050",
                   "client running L0 82050-82100",       "client running L1 82100-90000"}));
}

INSTANTIATE_TEST_SUITE_P(ExecutionGraph, BothVendors, both_vendors(), vendor_of);

TEST(ExecutionGraph, workers_know_their_vms_and_kinds) {
  TwoVms vms(kSvmWords);
  vms.draw();
  const Graph graph(vms.trace.events);
  const auto worker = [&](const DrawnThread& thread) {
    return graph.graph.workers[graph.of(thread)];
  };
  EXPECT_EQ(worker(kClient).kind, WorkerKind::kVcpu);
  EXPECT_EQ(worker(kClientVhost).kind, WorkerKind::kVhost);
  EXPECT_EQ(worker(kClientVhost).vm, worker(kClient).vm);
  EXPECT_EQ(worker(kIothread).kind, WorkerKind::kVmm);
  EXPECT_EQ(worker(kIothread).vm, worker(kServer).vm);
  EXPECT_EQ(main_worker(graph.graph, worker(kServer).vm), graph.of(kServer));
  EXPECT_EQ(main_worker(graph.graph, VmKey{.tgid = 7, .kvm = 7}), kNoWorker);
}

TEST(ExecutionGraph, wake_ups_link_vcpu_vhost_vhost_and_vcpu) {
  TwoVms vms(kSvmWords);
  vms.draw();
  const Graph graph(vms.trace.events);
  const auto links = wake_ups(graph.graph);
  for (const WakeUp& link : {WakeUp{13'000, graph.of(kServerVhost), graph.of(kServer)},
                             WakeUp{71'000, graph.of(kIothread), graph.of(kServer)},
                             WakeUp{80'010, graph.of(kServer), graph.of(kServerVhost)},
                             WakeUp{81'000, graph.of(kServerVhost), graph.of(kClientVhost)},
                             WakeUp{82'000, graph.of(kClientVhost), graph.of(kClient)}})
    EXPECT_EQ(std::ranges::count(links, link), 1) << link.ns;
  EXPECT_FALSE(std::ranges::any_of(links, [](const WakeUp& link) { return link.ns == 70'010; }))
      << "an interrupt is no worker";
  EXPECT_FALSE(std::ranges::any_of(links, [](const WakeUp& link) { return link.ns == 12'000; }))
      << "nothing tells that vhost-200 slept before";
}

// The ring notes no sleeps of vhost workers: what the client waits for stays with the client.
TEST(ExecutionGraph, what_the_ring_alone_does_not_tell_is_a_wait_for_the_net) {
  TwoVms vms(kSvmWords);
  vms.draw();
  const Graph graph(vms.trace.events, false);
  const auto lines = graph.path(graph.of(kClient));
  EXPECT_EQ(std::ranges::count(lines, "client net 11010-82000"), 1);
}

TEST(ExecutionGraph, lost_and_doubled_events_leave_a_path_that_fills_its_window) {
  for (uint32_t seed = 0; seed < 100; seed++) {
    std::mt19937 random(seed);
    TwoVms vms(seed % 2 == 0 ? kSvmWords : kVmxWords);
    vms.draw();
    std::vector<Event> broken;
    for (const auto& event : vms.trace.events) {
      if (random() % 10 == 0) continue;
      broken.push_back(event);
      if (random() % 10 == 0) broken.push_back(event);
      if (random() % 10 == 0 && broken.size() > 5)
        std::swap(broken.back(), broken[broken.size() - 1 - random() % 5]);
    }
    const Graph graph(broken);
    expect_in_order(graph.graph);
    for (uint32_t i = 0; i < graph.graph.workers.size(); i++) graph.path(i);
  }
}

TEST(ExecutionGraph, doubled_events_change_no_path) {
  TwoVms vms(kSvmWords), doubled(kSvmWords);
  vms.draw();
  doubled.draw();
  std::vector<Event> events;
  for (const auto& event : doubled.trace.events)
    events.insert(events.end(), std::holds_alternative<WakingEvent>(event.data) ? 2 : 1, event);
  const Graph once(vms.trace.events), twice(events);
  EXPECT_EQ(twice.path(twice.of(kClient)), once.path(once.of(kClient)));
}

// Both are on one CPU: the vCPU is preempted by a host task at 2000, by another VM's vCPU at 5000.
TEST_P(BothVendors, vcpu_without_a_cpu_is_behind_who_has_it) {
  TwoVms vms(GetParam());
  vms.trace.on(1, kServer, 2).at(500, EntryEvent{0});
  vms.trace.on(0, kClient, 1).at(1000, EntryEvent{0});
  vms.leaves(2000, GetParam().io);
  vms.trace.to(2010, kHog, 0).to(4000, kClient, 0);
  vms.trace.on(0, kClient, 1).at(4010, EntryEvent{0});
  vms.leaves(5000, GetParam().io);
  vms.trace.to(5010, kServer, 0).to(7000, kClient, 0);
  vms.trace.on(0, kClient, 1).at(7010, EntryEvent{0});
  vms.leaves(8000, GetParam().io);
  const Graph graph(vms.trace.events);
  EXPECT_EQ(graph.path(graph.of(kClient)),
            (Lines{"client unknown 500-1000", "client running L1 1000-2000",
                   "client running L0 2000-2010", "client ready <hog 2010-4000",
                   "client running L0 4000-4010", "client running L1 4010-5000",
                   "client running L0 5000-5010", "client ready <server 5010-7000",
                   "client running L0 7000-7010", "client running L1 7010-8000"}));
}

TEST(ExecutionGraph, ends_where_the_trace_became_too_long_to_keep) {
  TwoVms vms(kSvmWords);
  vms.draw();
  ThreadFlow threads({.max_stretches = 4}), all;
  for (const auto& event : vms.trace.events) threads.step(event), all.step(event);
  const auto short_lives = std::move(threads).finish(), lives = std::move(all).finish();
  // The server's guest and KVM until it sleeps, the client's guest until it leaves at 10,000.
  const auto few = replay(vms.trace.events, {.max_intervals = 3});
  EXPECT_EQ(build_graph(few, {}, lives).end_ns, 10'000u);
  const auto whole = replay(vms.trace.events);
  EXPECT_EQ(build_graph(whole, {}, lives).end_ns, 90'000u);
  EXPECT_EQ(short_lives.full_ns, build_graph(whole, {}, short_lives).end_ns);
  EXPECT_LT(short_lives.full_ns, 20'000u);
}

TEST(ExecutionGraph, other_host_joins_behind_the_workers_of_the_first) {
  DrawnGraph here, there;
  here.runs("A", 0, 1000);
  there.runs("B", 0, 500).waits("B", 500, 2000, Doing::kNet, "C").runs("C", 0, 2000);
  there.graph.end_ns = 2000;
  add_host(here.graph, there.graph, 1);
  ASSERT_EQ(here.graph.workers.size(), 3u);
  EXPECT_EQ(here.graph.workers[1].host, 1u);
  EXPECT_EQ(here.graph.chains[1][1].by, 2u);
  EXPECT_EQ(here.graph.end_ns, 2000u);
}

TEST(ExecutionGraph, of_random_lives_is_conserved) {
  for (uint32_t seed = 0; seed < 20; seed++) {
    const Graph graph(DrawnLife(seed, seed % 2 == 0).events(2000), seed % 3 == 0);
    expect_in_order(graph.graph);
    for (uint32_t i = 0; i < graph.graph.workers.size(); i++) graph.path(i);
  }
}

}  // namespace vmflow::test
