// SPDX-License-Identifier: GPL-2.0-only
// Drawn traces, cut into windows: every interval gives each window its part, to the nanosecond.
#include "analysis/feature_windows.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/analysis/drawn_trace.h"

namespace vmflow::test {
namespace {

constexpr uint32_t kCpuid = 0x72, kHlt = 0x78, kIo = 0x7b;
const DrawnThread kVcpu0{101, 100, comm_of("CPU 0/KVM")}, kVcpu1{102, 100, comm_of("CPU 1/KVM")};
const DrawnThread kMain{100, 100, comm_of("qemu")}, kVhost{103, 100, comm_of("vhost-100")};
const DrawnThread kOther{900, 900, comm_of("make")};

std::vector<WindowedSums> windows(const DrawnTrace& trace, uint64_t every_ns) {
  const auto result = replay(trace.events, {.count_every_ns = every_ns});
  expect_conserved(result);
  return windowed_sums(result, every_ns);
}

double counter(const WindowedSums& window, const std::string& name) {
  const auto place = feature_counter(name);
  EXPECT_LT(place, feature_counters().size()) << name;
  return window.sums.of.at(place);
}

double value(const WindowedSums& window, const std::string& name) {
  const auto features = feature_catalog();
  for (size_t i = 0; i < features.size(); i++)
    if (features[i].column.name == name) return feature_values(window.sums)[i];
  ADD_FAILURE() << "no feature " << name;
  return 0;
}

/// All times of all windows, by state.
void expect_whole(const std::vector<WindowedSums>& windows, const ReplayResult& result) {
  for (size_t state = 0; state < kFeatureStates; state++) {
    double clipped = 0, drawn = 0;
    for (const auto& window : windows) clipped += window.sums.of[state];
    for (const auto& vcpu : result.vcpus)
      for (const auto& interval : vcpu.intervals)
        if (interval.state == state)
          drawn += static_cast<double>(interval.end_ns - interval.begin_ns);
    // Polling is not told in these traces.
    if (state != FLOW_HALT_POLL) {
      EXPECT_EQ(clipped, drawn) << state;
    }
  }
}

}  // namespace

// 1000 entry   1700 exit (cpuid)   1750 entry   2300 exit (hlt)   2310 out   4600 woken by vhost
// 4610 in   4630 entry   5000 exit (cpuid); windows of 1000 from the first event on:
//   1000 ...... 2000 ...... 3000 ...... 4000 ...... 5000
//   g700 k50 g250 | g300 k10 h690 | h1000 | h600 r10 k20 g370
TEST(FeatureWindows, an_interval_across_a_border_gives_each_window_its_part) {
  DrawnTrace trace;
  trace.on(0, kVcpu0)
      .at(1000, EntryEvent{.vcpu_id = 0})
      .exit(1700, kCpuid)
      .entry(1750)
      .exit(2300, kHlt)
      .to(2310, kIdle, 1);
  trace.on(3, kIdle).to(4500, kVhost, 0).accept(4595, 0).wakes(4600, kVcpu0, 0);
  trace.on(0, kIdle).to(4610, kVcpu0, 0).entry(4630).exit(5000, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 4u);
  struct Row {
    double guest, root, halted, ready, net, net_waits, net_whole, hlt, cpuid;
  };
  const Row rows[] = {{950, 50, 0, 0, 0, 0, 0, 0, 1},
                      {300, 10, 690, 0, 690, 0, 0, 1, 0},
                      {0, 0, 1000, 0, 1000, 0, 0, 0, 0},
                      {370, 20, 600, 10, 600, 1, 2290, 0, 1}};
  for (size_t i = 0; i < all.size(); i++) {
    const auto& w = all[i];
    EXPECT_EQ(w.begin_ns, 1000 + 1000 * i);
    EXPECT_EQ(w.end_ns, 2000 + 1000 * i);
    EXPECT_EQ(w.sums.vcpu_ns, 1000) << i;
    EXPECT_EQ(counter(w, "time_guest"), rows[i].guest) << i;
    EXPECT_EQ(counter(w, "time_kvm") + counter(w, "time_vmm"), rows[i].root) << i;
    EXPECT_EQ(counter(w, "time_halted"), rows[i].halted) << i;
    EXPECT_EQ(counter(w, "time_ready"), rows[i].ready) << i;
    EXPECT_EQ(counter(w, "wait_net"), rows[i].net) << i;
    EXPECT_EQ(counter(w, "waits_net"), rows[i].net_waits) << i;
    EXPECT_EQ(counter(w, "ended_wait_net"), rows[i].net_whole) << i;
    EXPECT_EQ(counter(w, "exits_hlt"), rows[i].hlt) << i;
    EXPECT_EQ(counter(w, "exits_cpuid"), rows[i].cpuid) << i;
  }
  // And as features.
  EXPECT_EQ(value(all[0], "guest_ratio"), 0.95);
  EXPECT_EQ(value(all[0], "root_ratio"), 0.05);
  EXPECT_EQ(value(all[0], "exits_per_second"), 1e6);
  EXPECT_EQ(value(all[1], "wait_net_ratio"), 0.69);
  EXPECT_EQ(value(all[1], "wait_net_per_second"), 0);
  EXPECT_TRUE(std::isnan(value(all[1], "wait_net_mean_seconds")));
  EXPECT_EQ(value(all[2], "halted_ratio"), 1);
  EXPECT_EQ(value(all[3], "wait_net_per_second"), 1e6);
  EXPECT_DOUBLE_EQ(value(all[3], "wait_net_mean_seconds"), 2290e-9);
  EXPECT_EQ(value(all[3], "interrupts_net_per_second"), 1e6);
}

TEST(FeatureWindows, what_happens_at_a_border_is_of_the_window_that_begins) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(2000, kCpuid).entry(2010).exit(3000, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(counter(all[0], "exits_cpuid"), 0);
  EXPECT_EQ(counter(all[0], "time_guest"), 1000);
  // The last one has its end.
  EXPECT_EQ(counter(all[1], "exits_cpuid"), 2);
  EXPECT_EQ(counter(all[1], "time_guest"), 990);
}

TEST(FeatureWindows, a_wait_that_ends_at_a_border_counts_once) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(1500, kHlt).to(1600, kIdle, 1);
  trace.on(3, kIdle).to(1900, kVhost, 0).accept(1995, 0).wakes(2000, kVcpu0, 0);
  trace.on(0, kIdle).to(2000, kVcpu0, 0).entry(2100).exit(3000, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(counter(all[0], "wait_net"), 400);
  EXPECT_EQ(counter(all[1], "wait_net"), 0);
  EXPECT_EQ(counter(all[0], "waits_net"), 0);
  EXPECT_EQ(counter(all[1], "waits_net"), 1);
}

TEST(FeatureWindows, a_wait_that_nothing_ends_has_no_reason) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(1500, kHlt).to(1510, kIdle, 1);
  trace.on(1, kVcpu1).entry(1500).exit(3000, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(counter(all[0], "time_halted"), 490);
  EXPECT_EQ(counter(all[1], "time_halted"), 1000);
  for (const auto* reason : {"timer", "disk", "net", "task", "memory", "device", "unknown"}) {
    EXPECT_EQ(counter(all[0], std::string("wait_") + reason), 0) << reason;
    EXPECT_EQ(counter(all[1], std::string("waits_") + reason), 0) << reason;
  }
}

// KVM says at the end of a halt how long it has polled: after the border the time before is known.
TEST(FeatureWindows, polling_that_is_told_after_the_border_is_where_it_was) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(1800, kHlt).to(2200, kIdle, 1);
  trace.on(3, kIdle).to(2400, kVhost, 0).accept(2495, 0).wakes(2500, kVcpu0, 0);
  trace.on(0, kIdle).to(2510, kVcpu0, 0);
  trace.at(2520, HaltEndEvent{.halt_ns = 720, .polled_ns = 300, .waited = true, .valid = true});
  trace.entry(2530).exit(3000, kCpuid);
  const auto result = replay(trace.events, {.count_every_ns = 1000});
  expect_conserved(result);
  const auto all = windowed_sums(result, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(flow_of(result, kVcpu0.tid).poll_fail_ns, 300u);
  EXPECT_EQ(counter(all[0], "time_kvm"), 100);
  EXPECT_EQ(counter(all[0], "time_halt_poll"), 100);
  EXPECT_EQ(counter(all[1], "time_halt_poll"), 200);
  EXPECT_EQ(counter(all[0], "poll_fail"), 100) << "in vain, as it slept after it";
  EXPECT_EQ(counter(all[1], "poll_fail"), 200);
  EXPECT_EQ(value(all[0], "halt_poll_waste_ratio"), 0.1);
}

TEST(FeatureWindows, polling_that_no_event_tells_is_not_known) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(2000, kIo).entry(2100).exit(3000, kIo);
  const auto all = windows(trace, 2000);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(std::isnan(value(all[0], "halt_poll_ratio")));
  EXPECT_TRUE(std::isnan(value(all[0], "halt_poll_waste_ratio")));
  EXPECT_TRUE(std::isnan(value(all[0], "disk_read_per_second")));
  EXPECT_TRUE(std::isnan(value(all[0], "net_receive_bytes_per_second")));
  EXPECT_TRUE(std::isnan(value(all[0], "preempted_by_other_vm_per_second")));
  EXPECT_EQ(value(all[0], "exits_io_per_second"), 1e6);
}

TEST(FeatureWindows, preemptions_count_where_they_happen) {
  DrawnTrace trace;
  trace.on(1, kOther).to(1000, kIdle, 1);  // tells whose thread it is
  trace.on(0, kVcpu0).entry(1000).exit(1900, kCpuid).to(1950, kOther, 0).to(2150, kVcpu0, 1);
  trace.entry(2200).exit(2900, kCpuid).to(2950, kOther, 0).to(2990, kVcpu0, 1).entry(3000);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(counter(all[0], "preempted_host_task"), 1);
  EXPECT_EQ(counter(all[1], "preempted_host_task"), 1);
  EXPECT_EQ(counter(all[0], "time_ready"), 50);
  EXPECT_EQ(counter(all[1], "time_ready"), 150 + 40);
}

// The kernel side's ring names no thread: a vhost worker is known once it has woken a vCPU.
TEST(FeatureWindows, interrupts_of_a_worker_without_a_name_count_once_it_has_woken_a_vcpu) {
  const DrawnThread nameless{181, 181, {}};
  DrawnTrace trace;
  trace.on(0, kVcpu0).at(1000, EntryEvent{.vcpu_id = 0}).exit(1500, kHlt);
  trace.at(1510, VcpuOutEvent{.state = FLOW_HALTED, .block = FLOW_BLOCK_OTHER, .throttled = false});
  trace.on(3, nameless)
      .accept(1800, 0)
      .at(1810, WakeEvent{.tid = kVcpu0.tid, .waker = flow_waker(nameless.tid, FLOW_WAKE_VHOST)});
  trace.on(0, kVcpu0).at(1820, VcpuInEvent{.in_kvm_run = true});
  trace.entry(1830).on(3, nameless).accept(2100, 0).accept(2200, 0);
  trace.on(4, {182, 182, {}}).accept(2300, 0);
  trace.on(0, kVcpu0).exit(3000, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(counter(all[0], "interrupts_net"), 0);
  EXPECT_EQ(counter(all[1], "interrupts_net"), 2);
  EXPECT_EQ(counter(all[0], "waits_net"), 1);
}

TEST(FeatureWindows, hold_all_of_the_time_and_all_of_the_counts) {
  DrawnTrace trace;
  for (uint64_t at = 1000; at < 100'000; at += 1013) {
    trace.on(0, kVcpu0).entry(at).exit(at + 400, kHlt).to(at + 407, kIdle, 1);
    trace.on(3, kIdle)
        .to(at + 600, kVhost, 0)
        .accept(at + 690, 0)
        .wakes(at + 700, kVcpu0, 0)
        .to(at + 705, kIdle, 1);
    trace.on(0, kIdle).to(at + 711, kVcpu0, 0);
  }
  trace.on(0, kVcpu0).entry(101'000).exit(121'000, kHlt);
  for (const uint64_t every : {100u, 1000u, 24'000u, 40'000u, 120'000u}) {
    const auto result = replay(trace.events, {.count_every_ns = every});
    const auto all = windowed_sums(result, every);
    EXPECT_EQ(all.size(), 120'000 / every);
    double exits = 0, waits = 0, whole = 0;
    for (const auto& window : all) {
      exits += counter(window, "exits_hlt");
      waits += counter(window, "waits_net");
      whole += counter(window, "ended_wait_net");
    }
    EXPECT_EQ(exits, flow_of(result, kVcpu0.tid).exits[kHlt].count) << every;
    EXPECT_EQ(waits, exits - 1) << every;
    EXPECT_EQ(whole, flow_of(result, kVcpu0.tid).ns[FLOW_HALTED]) << every;
    expect_whole(all, result);
  }
}

TEST(FeatureWindows, a_short_tail_is_left_out_and_a_longer_one_has_its_own_length) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(3400, kCpuid);
  EXPECT_EQ(windows(trace, 1000).size(), 2u);
  trace.entry(3410).exit(3600, kCpuid);
  const auto all = windows(trace, 1000);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].sums.wall_ns, 600);
  EXPECT_EQ(windows(trace, 1'000'000).size(), 1u) << "the only one";
}

TEST(FeatureWindows, a_hostile_gap_makes_no_endless_row_of_windows) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1000).exit(uint64_t{1} << 60, kCpuid);
  const auto result = replay(trace.events, {.count_every_ns = 1});
  EXPECT_TRUE(result.counts_left_out);
  EXPECT_EQ(windowed_sums(result, 1).size(), kMostWindows);
  EXPECT_TRUE(windowed_sums(replay({}, {.count_every_ns = 1}), 1).empty());
}

TEST(FeatureWindows, a_table_has_unix_seconds_names_and_every_feature) {
  DrawnTrace trace;
  trace.on(0, kVcpu0).entry(1'000'000'000).exit(2'000'000'000, kCpuid);
  VmIdentity identity;
  identity.name = "web-1";
  identity.uuid = "u-1";
  const auto table = feature_table(
      replay(trace.events, {.count_every_ns = 1'000'000'000}), {{100, identity}},
      {.every_ns = 1'000'000'000, .epoch_ns = 1'700'000'000'000'000'000, .host = "h"});
  ASSERT_EQ(table.rows.size(), 1u);
  const auto& row = table.rows[0];
  EXPECT_EQ(row.host, "h");
  EXPECT_EQ(row.vm, "u-1");
  EXPECT_EQ(row.name, "web-1");
  EXPECT_EQ(row.begin_seconds, 1'700'000'001);
  EXPECT_EQ(row.end_seconds, 1'700'000'002);
  EXPECT_EQ(row.values.size(), table.columns.size());
}

}  // namespace vmflow::test
