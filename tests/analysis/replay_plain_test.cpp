// SPDX-License-Identifier: GPL-2.0-only
// A trace with KVM's and the scheduler's own events only: what the kernel side asks KVM is told by
// evidence.
#include <gtest/gtest.h>

#include "analysis/build_model.h"
#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

constexpr uint32_t kCpuid = 0x72, kHlt = 0x78, kIo = 0x7b, kFault = 0x400;
const DrawnThread kVcpu0{101, 100, comm_of("CPU 0/KVM")}, kVcpu1{102, 100, comm_of("CPU 1/KVM")};
const DrawnThread kMain{100, 100, comm_of("qemu")}, kVhost{103, 100, comm_of("vhost-100")};
const DrawnThread kPit{50, 50, comm_of("kvm-pit/100")}, kWorker{51, 51, comm_of("kworker/3:1")};
const DrawnThread kOtherProcess{900, 900, comm_of("spdk")};

/// A vCPU that halts at 1000, is out at 1010, is woken by `wake` at 5000, and runs again at 5010.
template <typename Wake>
ReplayResult halted(Wake wake, bool is_timer = false) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(500).exit(1000, kHlt).to(1010, kIdle, 1);
  wake(trace);
  trace.on(0, kIdle).to(5010, kVcpu0, 0);
  if (is_timer) trace.accept(5020, 0);
  trace.entry(5030);
  const auto result = replay(trace.events);
  expect_conserved(result);
  return result;
}

uint64_t waited(const ReplayResult& result, flow_wake_kind kind) {
  EXPECT_EQ(flow_of(result, kVcpu0.tid).ns[FLOW_HALTED], 5000u - 1010u);
  return flow_of(result, kVcpu0.tid).wait_ns[kind];
}

const auto kIrqBegins = IrqEvent{.begins = true};
const auto kIrqEnds = IrqEvent{.begins = false};

}  // namespace

TEST(PlainReplay, a_vcpu_that_leaves_after_hlt_is_halted_until_it_is_woken) {
  const auto result = halted([](DrawnTrace& t) { t.on(3, kMain).wakes(5000, kVcpu0, 0); });
  const vcpu_flow& flow = flow_of(result, kVcpu0.tid);
  EXPECT_EQ(flow.ns[FLOW_GUEST], 500u);
  EXPECT_EQ(flow.ns[FLOW_KVM], 10u + 20u);
  EXPECT_EQ(flow.ns[FLOW_HALTED], 5000u - 1010u);
  EXPECT_EQ(flow.ns[FLOW_READY], 10u);
  EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_NONE], 10u) << "the CPU was idle";
  EXPECT_EQ(flow.exits[kHlt].count, 1u);
  EXPECT_EQ(waited(result, FLOW_WAKE_BARE), 3990u);
}

TEST(PlainReplay, an_interrupt_that_the_vcpu_then_accepts_itself_was_its_timers) {
  const auto timer = [](DrawnTrace& t) {
    t.on(3, kIdle).at(4990, kIrqBegins).wakes(5000, kVcpu0, 0).at(5005, kIrqEnds);
  };
  EXPECT_EQ(waited(halted(timer, true), FLOW_WAKE_OWN_INTERRUPT), 3990u);
  EXPECT_EQ(waited(halted(timer, false), FLOW_WAKE_HARDIRQ), 3990u);
}

TEST(PlainReplay, after_an_interrupt_has_ended_wakeups_are_the_threads_own) {
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kMain).at(4990, kIrqBegins).at(4995, kIrqEnds).wakes(5000, kVcpu0, 0);
                   }),
                   FLOW_WAKE_BARE),
            3990u);
}

TEST(PlainReplay, without_events_of_interrupts_the_idle_task_wakes_nobody_itself) {
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kWorker).to(2000, kIdle, 1).wakes(5000, kVcpu0, 0);
                   }),
                   FLOW_WAKE_HARDIRQ),
            3990u);
}

TEST(PlainReplay, the_giver_of_an_interrupt_just_before_names_the_wakeup) {
  struct Case {
    const char* name;
    DrawnThread giver;
    flow_wake_kind kind;
  };
  for (const auto& [name, giver, kind] :
       {Case{"a thread of the VMM", kMain, FLOW_WAKE_VMM},
        Case{"a vhost worker", kVhost, FLOW_WAKE_VHOST},
        Case{"the PIT", kPit, FLOW_WAKE_OWN_INTERRUPT},
        Case{"a worker", kWorker, FLOW_WAKE_KERNEL_WORKER},
        Case{"another process", kOtherProcess, FLOW_WAKE_FOREIGN}})
    EXPECT_EQ(waited(halted([&](DrawnTrace& t) {
                       t.on(3, kIdle).to(4900, giver, 0).accept(4990, 0).wakes(5000, kVcpu0, 0);
                     }),
                     kind),
              3990u)
        << name;
}

TEST(PlainReplay, an_interrupt_long_before_or_of_another_thread_names_nothing) {
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kMain).accept(4990, 0).on(4, kMain).wakes(5000, kVcpu0, 0);
                   }),
                   FLOW_WAKE_BARE),
            3990u)
      << "on another CPU";
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kMain).accept(4990, 0).to(4995, kWorker, 0).wakes(5000, kVcpu0, 0);
                   }),
                   FLOW_WAKE_BARE),
            3990u)
      << "of another thread";
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(500).exit(1000, kHlt).to(1010, kIdle, 1);
  trace.on(3, kMain).accept(2000, 0).wakes(5'002'000, kVcpu0, 0);
  trace.on(0, kIdle).to(5'002'010, kVcpu0, 0);
  EXPECT_EQ(flow_of(replay(trace.events), 101).wait_ns[FLOW_WAKE_BARE], 5'002'000u - 1010u);
}

TEST(PlainReplay, an_interrupt_names_one_wakeup_only) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(500).exit(1000, kHlt).to(1010, kIdle, 1);
  trace.on(3, kMain).accept(1990, 0).wakes(2000, kVcpu0, 0);
  trace.on(0, kIdle).to(2000, kVcpu0, 0).entry(2010).exit(2020, kHlt).to(3000, kIdle, 1);
  trace.on(3, kMain).wakes(5000, kVcpu0, 0).on(0, kIdle).to(5000, kVcpu0, 0);
  const auto result = replay(trace.events);
  EXPECT_EQ(flow_of(result, 101).wait_ns[FLOW_WAKE_VMM], 990u);
  EXPECT_EQ(flow_of(result, 101).wait_ns[FLOW_WAKE_BARE], 2000u) << "3 us after the interrupt";
}

TEST(PlainReplay, a_sibling_that_sends_an_interrupt_is_a_waker) {
  const auto result = halted([](DrawnTrace& t) {
    t.on(3, kVcpu1).entry(4900).exit(4980, kCpuid).accept(4990, 0).wakes(5000, kVcpu0, 0);
  });
  EXPECT_EQ(waited(result, FLOW_WAKE_IPI), 3990u);
  ASSERT_EQ(result.snapshot.wakers.size(), 1u);
  EXPECT_EQ(result.snapshot.wakers[0].key.by_vcpu, kVcpu1.tid) << "no event has told its id";
  EXPECT_EQ(result.snapshot.wakers[0].value.ns, 3990u);
}

TEST(PlainReplay, a_routed_interrupt_out_of_an_interrupt_is_a_passed_through_devices) {
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kWorker).at(4980, kIrqBegins).at(4985, RouteEvent{});
                     t.accept(4990, 0).wakes(5000, kVcpu0, 0).at(5005, kIrqEnds);
                   }),
                   FLOW_WAKE_HARDIRQ_DEVICE),
            3990u);
}

TEST(PlainReplay, a_page_that_is_there_ends_a_halt) {
  EXPECT_EQ(waited(halted([](DrawnTrace& t) {
                     t.on(3, kWorker).at(4990, PageReadyEvent{}).wakes(5000, kVcpu0, 0);
                   }),
                   FLOW_WAKE_PAGE),
            3990u);
}

TEST(PlainReplay, what_a_sleep_is_follows_from_kvms_last_event) {
  struct Case {
    const char* name;
    uint32_t exit;
    std::vector<EventData> then;
    int64_t task_state;
    flow_state state;
    flow_block block = FLOW_BLOCKS;
  };
  const UserspaceExitEvent io{.reason = 2, .error = 0}, kicked{.reason = 10, .error = -FLOW_EINTR};
  const Case cases[] = {
      {"hlt", kHlt, {}, 1, FLOW_HALTED},
      {"another exit", kCpuid, {}, 2, FLOW_VMM_BLOCKED, FLOW_BLOCK_OTHER},
      {"a fault", kFault, {}, 2, FLOW_VMM_BLOCKED, FLOW_BLOCK_MEMORY},
      {"outside", kIo, {io}, 1, FLOW_VMM_BLOCKED, FLOW_BLOCK_OTHER},
      {"outside after hlt", kHlt, {io}, 1, FLOW_VMM_BLOCKED, FLOW_BLOCK_OTHER},
      {"outside after a kick", kIo, {kicked}, 1, FLOW_PAUSED},
      {"a halt that was kicked and came back", kHlt, {kicked, RunEvent{}}, 1, FLOW_HALTED},
      {"stopped", kIo, {io}, 4, FLOW_PAUSED},
      {"preempted", kIo, {io}, 0, FLOW_READY},
      {"preempted, as older kernels say", kHlt, {}, 0x100, FLOW_READY},
  };
  for (const auto& c : cases) {
    DrawnTrace trace;
    trace.on(0, kVcpu0).entry(500).exit(1000, c.exit);
    uint64_t ns = 1000;
    for (const auto& data : c.then) trace.at(ns += 10, data);
    trace.to(2000, kIdle, c.task_state);
    trace.on(3, kMain).wakes(c.state == FLOW_READY ? 1500 : 5000, kVcpu0, 0);
    trace.on(0, kIdle).to(5000, kVcpu0, 0).entry(5030);
    std::ranges::stable_sort(trace.events, {}, &Event::ns);
    const auto result = replay(trace.events);
    EXPECT_EQ(flow_of(result, 101).ns[c.state], 3000u) << c.name;
    if (c.block != FLOW_BLOCKS) {
      EXPECT_EQ(flow_of(result, 101).block_ns[c.block], 3000u) << c.name;
    }
    expect_conserved(result);
  }
}

TEST(PlainReplay, what_the_kernel_side_has_decided_wins_in_any_order) {
  const VcpuOutEvent blocked{
      .state = FLOW_VMM_BLOCKED, .block = FLOW_BLOCK_LOCK, .throttled = false};
  const VcpuInEvent in{.in_kvm_run = false, .disk_pending_ns = 0, .net_pending_ns = 0};
  const WakeEvent woken{.tid = kVcpu0.tid, .waker = flow_waker(7, FLOW_WAKE_VMM_DISK)};
  for (const bool is_before : {false, true})
    for (const uint64_t apart : {0, 1}) {
      DrawnTrace trace;
      const auto both = [&](uint64_t ns, const EventData& told, auto plain) {
        if (is_before) trace.at(ns, told);
        plain(ns + (is_before ? apart : 0));
        if (!is_before) trace.at(ns + apart, told);
      };
      trace.on(0, kVcpu0).entry(500).exit(1000, kHlt);
      if (is_before) trace.at(2000, blocked);
      trace.to(2000 + (is_before ? apart : 0), kIdle, 1);
      if (!is_before) trace.on(0, kVcpu0).at(2000 + apart, blocked);
      trace.on(3, kMain);
      both(5000, woken, [&](uint64_t ns) { trace.wakes(ns, kVcpu0, 0); });
      if (is_before) trace.on(0, kVcpu0).at(5010, in);
      trace.on(0, kIdle).to(5010 + (is_before ? apart : 0), kVcpu0, 0);
      if (!is_before) trace.on(0, kVcpu0).at(5010 + apart, in);
      trace.on(0, kVcpu0).at(5030, RunEvent{}).entry(5040);
      const auto result = replay(trace.events);
      const vcpu_flow& flow = flow_of(result, 101);
      const uint64_t late = is_before ? 0 : apart;
      EXPECT_EQ(flow.ns[FLOW_VMM_BLOCKED], 3000u) << is_before << apart;
      EXPECT_EQ(flow.block_ns[FLOW_BLOCK_LOCK], 3000u);
      EXPECT_EQ(flow.ns[FLOW_READY], 10u);
      EXPECT_EQ(flow.culprit_ns[FLOW_CULPRIT_NONE], 10u) << is_before << apart;
      EXPECT_EQ(flow.ns[FLOW_VMM], 20u - late) << "from where it was told to be outside";
      for (const auto anomaly : flow.anomaly) EXPECT_EQ(anomaly, 0u);
      expect_conserved(result);
    }
}

TEST(PlainReplay, builds_the_model_that_a_look_at_the_kernel_would) {
  const auto result = halted([](DrawnTrace& t) { t.on(3, kMain).wakes(5000, kVcpu0, 0); });
  const FlowModel model = build_model(result.snapshot, {}).model;
  ASSERT_EQ(model.vms.size(), 1u);
  EXPECT_EQ(model.vms[0].pid, 100u);
  EXPECT_EQ(model.vms[0].time.state_ns[FLOW_HALTED], 3990u);
  EXPECT_EQ(model.vms[0].exits.at(0).reason, "hlt");
}

}  // namespace vmflow::test
