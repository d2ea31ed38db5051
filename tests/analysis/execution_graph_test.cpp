// SPDX-License-Identifier: GPL-2.0-only
// From recorded events to a path: two VMs that talk over vhost, drawn event by event.
#include "analysis/execution_graph.h"

#include <gtest/gtest.h>

#include <random>

#include "analysis/build_graph.h"
#include "tests/analysis/drawn_graph.h"
#include "tests/analysis/drawn_life.h"

namespace vmflow::test {
namespace {

using Lines = std::vector<std::string>;

const DrawnThread kClient{101, 100, comm_of("client")},
    kClientVhost{110, 100, comm_of("vhost-100")};
const DrawnThread kServer{201, 200, comm_of("server")},
    kServerVhost{210, 200, comm_of("vhost-200")};
const DrawnThread kIothread{220, 200, comm_of("IO iothread0")}, kHog{300, 300, comm_of("hog")};

/// Exit codes as one vendor has them.
struct Vocabulary {
  uint32_t isa, io, halt;
};
constexpr Vocabulary kSvm{FLOW_ISA_SVM, 0x7b, 0x78}, kVmx{FLOW_ISA_VMX, 30, 12};

/// Units: nanoseconds. The client is on CPU 0, the server on 1, the vhost workers on 2 and 3, the
/// server's iothread on 4.
class TwoVms {
 public:
  explicit TwoVms(Vocabulary words) : words_(words) {}

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
  Vocabulary words_;
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

struct Graph {
  ReplayResult replayed;
  ExecutionGraph graph;

  explicit Graph(const std::vector<Event>& events, bool has_all_switches = true) {
    ThreadFlow threads({.has_all_switches = has_all_switches});
    for (const auto& event : events) threads.step(event);
    replayed = replay(events);
    graph = build_graph(replayed, guest_processes(replayed), std::move(threads).finish());
  }
  uint32_t of(const DrawnThread& thread) const {
    for (uint32_t i = 0; i < graph.workers.size(); i++)
      if (graph.workers[i].tid == thread.tid) return i;
    return kNoWorker;
  }
  Lines path(uint32_t worker) const {
    const auto path = critical_path(graph, worker, graph.begin_ns, graph.end_ns);
    expect_conserved(path, graph);
    return lines_of(path, graph);
  }
};

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

class BothVendors : public testing::TestWithParam<Vocabulary> {};

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

INSTANTIATE_TEST_SUITE_P(ExecutionGraph, BothVendors, testing::Values(kSvm, kVmx));

TEST(ExecutionGraph, workers_know_their_vms_and_kinds) {
  TwoVms vms(kSvm);
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
  TwoVms vms(kSvm);
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
  TwoVms vms(kSvm);
  vms.draw();
  const Graph graph(vms.trace.events, false);
  const auto lines = graph.path(graph.of(kClient));
  EXPECT_EQ(std::ranges::count(lines, "client net 11010-82000"), 1);
}

TEST(ExecutionGraph, lost_and_doubled_events_leave_a_path_that_fills_its_window) {
  for (uint32_t seed = 0; seed < 100; seed++) {
    std::mt19937 random(seed);
    TwoVms vms(seed % 2 == 0 ? kSvm : kVmx);
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
  TwoVms vms(kSvm), doubled(kSvm);
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

// L1 runs until it enters L2; L0 handles an exit of L2 itself at 3000, hands one to L1 at 5000.
TEST(ExecutionGraph, nested_guest_runs_on_its_level) {
  TwoVms vms(kSvm);
  auto& trace = vms.trace;
  trace.on(0, kClient, 1).at(1000, EntryEvent{0});
  vms.leaves(2000, 0x80);
  trace.at(2010, NestedEnterEvent{0x7f000, 0x8000}).at(2020, EntryEvent{0});
  vms.leaves(3000, 0x72);
  trace.at(3005, NestedExitEvent{}).at(3010, EntryEvent{0});
  vms.leaves(5000, 0x78);
  trace.at(5005, NestedExitEvent{}).at(5006, NestedReflectEvent{0x78}).at(5010, EntryEvent{0});
  vms.leaves(6000, 0x7b);
  trace.to(6000, kIdle, 0);
  const Graph graph(trace.events);
  EXPECT_EQ(graph.path(graph.of(kClient)),
            (Lines{"client running L1 1000-2000", "client running L0 2000-2020",
                   "client running L2 2020-3000", "client running L0 3000-3010",
                   "client running L2 3010-5000", "client running L0 5000-5010",
                   "client running L1 5010-6000"}));
}

// vCPU 0: A runs from 1000, halts at 2000 until B's interrupt at 8000.
// vCPU 1: B runs from 1000, halts at 4000 until its disk's interrupt at 6000.
TEST(ExecutionGraph, process_waits_for_a_process_that_waits_for_its_disk) {
  constexpr uint64_t kA = 0xa000, kB = 0xb000;
  const DrawnThread first{101, 100, comm_of("CPU 0/KVM")}, second{102, 100, comm_of("CPU 1/KVM")};
  const DrawnThread main{100, 100, comm_of("qemu")};
  DrawnTrace trace;
  const auto leaves = [&](uint64_t ns, uint32_t code, uint64_t cr3, uint32_t vcpu) {
    trace.at(ns, ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .rip = 0, .vcpu_id = vcpu});
    trace.at(ns, RegistersEvent{.cr3 = cr3, .rsp = 0x7fff'0000'0000, .cpl = 3});
  };
  const auto halts = [&](uint64_t ns, uint64_t cr3, const DrawnThread& thread, uint32_t vcpu) {
    leaves(ns, 0x78, cr3, vcpu);
    trace.to(ns + 10, kIdle, 1).on(vcpu, thread, 1);
    trace.at(ns + 10, VcpuOutEvent{FLOW_HALTED, FLOW_BLOCK_OTHER, false});
  };
  const auto comes = [&](uint64_t ns, const DrawnThread& thread, uint32_t vcpu) {
    trace.on(vcpu, kIdle).to(ns, thread, 0).on(vcpu, thread, 1);
    trace.at(ns, VcpuInEvent{true, 0, 0}).at(ns + 10, EntryEvent{vcpu});
  };
  trace.on(0, first, 1).at(1000, EntryEvent{0});
  leaves(1500, 0x72, kA, 0);
  trace.at(1510, EntryEvent{0});
  halts(2000, kA, first, 0);
  trace.on(1, second, 1).at(1000, EntryEvent{1});
  leaves(3000, 0x72, kB, 1);
  trace.at(3010, EntryEvent{1});
  halts(4000, kB, second, 1);
  trace.on(2, main).wakes(6000, second, 1);
  trace.at(6000, WakeEvent{second.tid, flow_waker(main.tid, FLOW_WAKE_VMM_DISK)});
  comes(6010, second, 1);
  leaves(7995, 0x7c, kB, 1);
  trace.wakes(8000, first, 0).at(8000, WakeEvent{first.tid, flow_waker(1, FLOW_WAKE_IPI)});
  trace.at(8100, EntryEvent{1});
  leaves(9000, 0x72, kB, 1);
  comes(8010, first, 0);
  leaves(9000, 0x72, kA, 0);
  std::ranges::stable_sort(trace.events, {}, &Event::ns);
  const Graph graph(trace.events, false);
  const auto vm = graph.graph.workers[graph.of(first)].vm;
  const auto worker = main_worker(graph.graph, vm);
  EXPECT_EQ(graph.graph.workers[worker].kind, WorkerKind::kProcess);
  for (uint32_t i = 0; i < graph.graph.workers.size(); i++) {
    if (graph.graph.workers[i].process.cr3 != kA) continue;
    EXPECT_EQ(graph.path(i),
              (Lines{"cr3:a000 running L1 1000-1500", "cr3:a000 running L0 1500-1510",
                     "cr3:a000 running L1 1510-2000", "cr3:b000 running L1 2000-3000",
                     "cr3:b000 running L0 3000-3010", "cr3:b000 running L1 3010-4000",
                     "cr3:b000 disk 4000-6000", "cr3:b000 ready 6000-6010",
                     "cr3:b000 running L0 6010-6020", "cr3:b000 running L1 6020-7995",
                     "cr3:b000 running L0 7995-8000", "cr3:a000 ready 8000-8010",
                     "cr3:a000 running L0 8010-8020", "cr3:a000 running L1 8020-9000"}));
  }
}

// Three levels, on two vCPUs: A runs in the guest of vCPU 0 and halts; so does the VM. The process
// that runs the guest of vCPU 1 works for B there, whose disk the host serves; then B wakes A. Both
// are vCPUs of one nested VM, which is called after the lower of the two.
TEST(ExecutionGraph, process_of_a_nested_guest_waits_for_one_that_waits_for_its_disk) {
  constexpr uint64_t kA = 0xa000, kB = 0xb000, kQemu = 0xc000, kOne = 0x7f000, kTwo = 0x6f000;
  const DrawnThread threads[] = {{101, 100, comm_of("CPU 0/KVM")},
                                 {102, 100, comm_of("CPU 1/KVM")}};
  const DrawnThread main{100, 100, comm_of("qemu")};
  DrawnTrace trace;
  const auto leaves = [&](uint64_t ns, uint32_t vcpu, uint32_t code, uint64_t cr3) {
    trace.on(vcpu, threads[vcpu], 1);
    trace.at(ns, ExitEvent{.code = code, .isa = FLOW_ISA_SVM, .rip = 0, .vcpu_id = vcpu});
    trace.at(ns, RegistersEvent{.cr3 = cr3, .rsp = 0x7fff'0000'0000, .cpl = 3});
  };
  const auto runs = [&](uint64_t ns, uint32_t vcpu, uint64_t vmcb12) {
    leaves(ns, vcpu, 0x80, kQemu);
    trace.at(ns + 5, NestedEnterEvent{vmcb12, 0x8000}).at(ns + 10, EntryEvent{vcpu});
  };
  const auto handled = [&](uint64_t ns, uint32_t vcpu, uint64_t cr3) {
    leaves(ns, vcpu, 0x72, cr3);
    trace.at(ns + 2, NestedExitEvent{}).at(ns + 10, EntryEvent{vcpu});
  };
  const auto reflected = [&](uint64_t ns, uint32_t vcpu, uint32_t code, uint64_t cr3) {
    leaves(ns, vcpu, code, cr3);
    trace.at(ns + 2, NestedExitEvent{}).at(ns + 5, NestedReflectEvent{code});
    trace.at(ns + 10, EntryEvent{vcpu});
  };
  const auto halts = [&](uint64_t ns, uint32_t vcpu) {
    leaves(ns, vcpu, 0x78, kQemu);
    trace.to(ns + 10, kIdle, 1).on(vcpu, threads[vcpu], 1);
    trace.at(ns + 10, VcpuOutEvent{FLOW_HALTED, FLOW_BLOCK_OTHER, false});
  };
  const auto comes = [&](uint64_t ns, uint32_t vcpu) {
    trace.on(vcpu, kIdle).to(ns, threads[vcpu], 0).on(vcpu, threads[vcpu], 1);
    trace.at(ns, VcpuInEvent{true, 0, 0}).at(ns + 10, EntryEvent{vcpu});
  };
  trace.on(0, threads[0], 1).at(900, EntryEvent{0});
  runs(1000, 0, kOne);
  handled(1500, 0, kA);
  reflected(2000, 0, 0x78, kA);
  halts(2100, 0);
  trace.on(1, threads[1], 1).at(900, EntryEvent{1});
  runs(1000, 1, kTwo);
  handled(3000, 1, kB);
  reflected(4000, 1, 0x78, kB);
  halts(4100, 1);
  trace.on(2, main).wakes(6000, threads[1], 1);
  trace.at(6000, WakeEvent{102, flow_waker(100, FLOW_WAKE_VMM_DISK)});
  comes(6010, 1);
  runs(6100, 1, kTwo);
  handled(7000, 1, kB);
  // B's guest writes its interrupt controller: the hypervisor wakes the other vCPU.
  reflected(7500, 1, 0x7c, kB);
  leaves(8000, 1, 0x7c, kQemu);
  trace.wakes(8001, threads[0], 0).at(8001, WakeEvent{101, flow_waker(1, FLOW_WAKE_IPI)});
  trace.at(8010, EntryEvent{1});
  runs(8100, 1, kTwo);
  handled(9500, 1, kB);
  comes(8020, 0);
  runs(8200, 0, kOne);
  handled(9500, 0, kA);
  std::ranges::stable_sort(trace.events, {}, &Event::ns);
  const Graph graph(trace.events, false);
  for (uint32_t i = 0; i < graph.graph.workers.size(); i++) {
    if (graph.graph.workers[i].process.cr3 != kA) continue;
    EXPECT_EQ(
        graph.path(i),
        (Lines{
            "cr3:a000 of 6f000 unknown 900-1010",     "cr3:a000 of 6f000 running L2 1010-1500",
            "cr3:a000 of 6f000 running L0 1500-1510", "cr3:a000 of 6f000 running L2 1510-2000",
            "cr3:b000 of 6f000 running L2 2000-3000", "cr3:b000 of 6f000 running L0 3000-3010",
            "cr3:b000 of 6f000 running L2 3010-4000", "cr3:b000 of 6f000 disk 4000-6000",
            "cr3:b000 of 6f000 ready 6000-6010",      "cr3:b000 of 6f000 running L0 6010-6020",
            "cr3:b000 of 6f000 running L1 6020-6100", "cr3:b000 of 6f000 running L0 6100-6110",
            "cr3:b000 of 6f000 running L2 6110-7000", "cr3:b000 of 6f000 running L0 7000-7010",
            "cr3:b000 of 6f000 running L2 7010-7500", "cr3:b000 of 6f000 running L0 7500-7510",
            "cr3:b000 of 6f000 running L1 7510-8000", "cr3:b000 of 6f000 running L0 8000-8001",
            "cr3:a000 of 6f000 ready 8001-8020",      "cr3:a000 of 6f000 running L0 8020-8030",
            "cr3:a000 of 6f000 running L1 8030-8200", "cr3:a000 of 6f000 running L0 8200-8210",
            "cr3:a000 of 6f000 running L2 8210-9500", "cr3:a000 of 6f000 running L0 9500-9510"}));
  }
}

TEST(ExecutionGraph, ends_where_the_trace_became_too_long_to_keep) {
  TwoVms vms(kSvm);
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
