// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/open_interval.h"

#include <gtest/gtest.h>

#include <numeric>
#include <ostream>
#include <string>
#include <vector>

#include "analysis/hold.h"
#include "tests/analysis/drawn_slot.h"

namespace vmflow::test {
namespace {

/// What a reading says, the fields that are 0 left out where a test draws it.
struct Times {
  uint64_t guest = 0, kvm = 0, vmm = 0, halted = 0, ready = 0, vmm_blocked = 0, unknown = 0;
  uint64_t held_back = 0;
  bool operator==(const Times&) const = default;
};

void PrintTo(const Times& t, std::ostream* os) {
  *os << "guest " << t.guest << " kvm " << t.kvm << " vmm " << t.vmm << " halted " << t.halted
      << " ready " << t.ready << " vmm_blocked " << t.vmm_blocked << " unknown " << t.unknown
      << " held_back " << t.held_back;
}

struct Drawing {
  std::string name;
  DrawnSlot drawn;
  uint64_t now_ns;
  Times times;
  Times open_waits;
  uint64_t span_ns;  // the time that must be accounted for
};

void PrintTo(const Drawing& drawing, std::ostream* os) {
  *os << drawing.name;
}

template <typename Array>
Times times_of(const Array& ns) {
  return {.guest = ns[FLOW_GUEST],
          .kvm = ns[FLOW_KVM],
          .vmm = ns[FLOW_VMM],
          .halted = ns[FLOW_HALTED],
          .ready = ns[FLOW_READY],
          .vmm_blocked = ns[FLOW_VMM_BLOCKED]};
}

DrawnSlot in_guest() {
  return DrawnSlot().entry(100);
}
DrawnSlot halted() {
  return in_guest().exit(150, kHlt).out(170, FLOW_HALTED);
}
DrawnSlot blocked() {
  return in_guest().exit(150).out(170, FLOW_VMM_BLOCKED);
}
DrawnSlot in_no_such_state() {
  auto drawn = in_guest();
  drawn.slot.flow.state = 99;
  return drawn;
}

const std::vector<Drawing>& drawings() {
  static const std::vector<Drawing> all = {
      {"a_slot_without_an_event_has_no_time", DrawnSlot(), 400, {}, {}, 0},
      {"a_vcpu_in_the_guest_is_in_the_guest_until_now", in_guest(), 400, {.guest = 300}, {}, 300},
      {"a_handled_exit_is_kvm_time_until_now",
       in_guest().exit(150),
       400,
       {.guest = 50, .kvm = 250},
       {},
       300},
      {"the_vmm_works_until_now",
       in_guest().exit(150).userspace_exit(160, 2),
       400,
       {.guest = 50, .kvm = 10, .vmm = 240},
       {},
       300},
      {"a_halted_vcpu_without_a_wakeup_is_halted_until_now",
       halted(),
       400,
       {.guest = 50, .halted = 230, .held_back = 20},
       {.halted = 230},
       300},
      {"a_halted_vcpu_is_ready_from_its_wakeup",
       halted().woken(300),
       400,
       {.guest = 50, .halted = 130, .ready = 100, .held_back = 20},
       {.halted = 130, .ready = 100},
       300},
      {"a_wakeup_before_the_switch_out_leaves_no_sleep",
       in_guest().exit(150, kHlt).woken(160).out(170, FLOW_HALTED),
       400,
       {.guest = 50, .ready = 230, .held_back = 20},
       {.ready = 230},
       300},
      {"a_wakeup_of_an_earlier_sleep_does_not_count",
       halted().woken(200).in(210).out(220, FLOW_HALTED),
       400,
       {.guest = 50, .halted = 30 + 180, .ready = 10, .held_back = 20 + 10},
       {.halted = 180},
       300},
      {"a_wakeup_later_than_now_leaves_the_whole_sleep",
       halted().woken(500),
       400,
       {.guest = 50, .halted = 230, .held_back = 20},
       {.halted = 230},
       300},
      {"time_after_a_hlt_exit_may_be_polling_and_is_held_back",
       in_guest().exit(150, kHlt),
       400,
       {.guest = 50, .held_back = 250},
       {},
       300},
      {"a_preempted_vcpu_is_ready_until_now",
       in_guest().exit(150).out(170, FLOW_READY),
       400,
       {.guest = 50, .kvm = 20, .ready = 230},
       {.ready = 230},
       300},
      {"a_blocked_vcpu_is_split_at_its_wakeup",
       blocked().woken(300),
       400,
       {.guest = 50, .kvm = 20, .ready = 100, .vmm_blocked = 130},
       {.ready = 100, .vmm_blocked = 130},
       300},
      {"an_exited_thread_has_no_open_interval",
       in_guest().exit(150).thread_exit(250),
       400,
       {.guest = 50, .kvm = 100},
       {},
       150},
      {"a_destroyed_vcpu_ends_when_it_was_destroyed",
       in_guest().exit(150).destroyed(300),
       400,
       {.guest = 50, .kvm = 150},
       {},
       200},
      {"a_vcpu_destroyed_in_a_halt_gets_its_held_back_time",
       halted().destroyed(300),
       400,
       {.guest = 50, .kvm = 20, .halted = 130},
       {.halted = 130},
       200},
      {"a_last_event_later_than_now_leaves_no_open_interval",
       in_guest().exit(500),
       400,
       {.guest = 400},
       {},
       400},
      {"a_state_that_does_not_exist_is_unaccounted",
       in_no_such_state(),
       400,
       {.unknown = 300},
       {},
       300},
  };
  return all;
}

class ReadVcpu : public testing::TestWithParam<Drawing> {};

TEST_P(ReadVcpu, tells_closed_and_open_time) {
  const auto reading = read_vcpu(GetParam().drawn.slot, GetParam().now_ns);
  auto times = times_of(reading.totals.ns);
  times.unknown = reading.totals.ns[FLOW_UNKNOWN];
  times.held_back = reading.held_back_ns;
  EXPECT_EQ(times, GetParam().times);
  EXPECT_EQ(times_of(reading.open_wait_ns), GetParam().open_waits);
}

TEST_P(ReadVcpu, conserves_time) {
  const auto reading = read_vcpu(GetParam().drawn.slot, GetParam().now_ns);
  const auto& ns = reading.totals.ns;
  EXPECT_EQ(std::accumulate(ns.begin(), ns.end(), reading.held_back_ns), GetParam().span_ns);
}

// No counter of a vCPU may fall from one look to the next, whatever the moment of the looks.
TEST_P(ReadVcpu, never_falls_as_time_goes_on) {
  auto before = read_vcpu(GetParam().drawn.slot, 100).totals;
  for (uint64_t now_ns = 110; now_ns <= 600; now_ns += 10) {
    auto now = read_vcpu(GetParam().drawn.slot, now_ns).totals;
    auto held = now;
    EXPECT_EQ(hold(held, before), 0u) << "at " << now_ns;
    before = now;
  }
}

INSTANTIATE_TEST_SUITE_P(OpenInterval, ReadVcpu, testing::ValuesIn(drawings()),
                         [](const auto& info) { return info.param.name; });

TEST(OpenIntervalExit, open_host_time_belongs_to_the_open_exit) {
  //                              100 entry   150 exit   400 now
  const auto reading = read_vcpu(in_guest().exit(150).slot, 400);
  EXPECT_EQ(reading.totals.exit_count[kCpuid], 1u);
  EXPECT_EQ(reading.totals.exit_ns[kCpuid], 250u);
}

TEST(OpenIntervalExit, held_back_time_belongs_to_no_exit_yet) {
  EXPECT_EQ(read_vcpu(halted().slot, 400).totals.exit_ns[kHlt], 0u);
}

TEST(OpenIntervalExit, the_exit_of_a_vcpu_destroyed_in_a_halt_gets_the_held_back_time) {
  EXPECT_EQ(read_vcpu(halted().destroyed(300).slot, 400).totals.exit_ns[kHlt], 20u);
}

TEST(OpenIntervalExit, guest_time_belongs_to_no_exit) {
  //                              100 entry   150 exit   170 entry   400 now
  const auto reading = read_vcpu(in_guest().exit(150).entry(170).slot, 400);
  EXPECT_EQ(reading.totals.exit_ns[kCpuid], 20u);
  EXPECT_EQ(reading.totals.handled_ns, 20u);
  EXPECT_EQ(reading.totals.handled[0], 1u);
}

TEST(OpenIntervalExit, other_counters_are_taken_as_they_are) {
  auto drawn = in_guest().exit(150).userspace_exit(160, 6).entry(200).exit(210, kHlt);
  flow_halt_end(&drawn.slot.flow, 260, 30, 0, 1);
  const auto& totals = read_vcpu(drawn.slot, 400).totals;
  EXPECT_EQ(totals.userspace[6], 1u);
  EXPECT_EQ(totals.poll_success, 1u);
  EXPECT_EQ(totals.poll_ns[0], 30u);
  EXPECT_EQ(totals.poll_fail, 0u);
  EXPECT_EQ(totals.halt_wakeups, 1u);
  EXPECT_EQ(totals.ns[FLOW_HALT_POLL], 30u);
}

}  // namespace
}  // namespace vmflow::test
