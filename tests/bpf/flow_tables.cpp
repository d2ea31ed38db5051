// SPDX-License-Identifier: GPL-2.0-only
#include "tests/bpf/flow_tables.h"

namespace vmflow::test {
namespace {

constexpr uint64_t kCpuid = 0x72, kHlt = 0x78, kIo = 0x7b, kIntr = 0x60;

flow_step entry(uint64_t at) {
  return {at, STEP_ENTRY, 0, 0};
}
flow_step exit_to(uint64_t at, uint64_t index) {
  return {at, STEP_EXIT, index == kHlt, index};
}
flow_step userspace(uint64_t at) {
  return {at, STEP_USERSPACE_EXIT, 0, 2};
}
flow_step out(uint64_t at, uint64_t state) {
  return {at, STEP_OUT, 0, state};
}
flow_step in_kvm(uint64_t at) {
  return {at, STEP_IN, 0, 1};
}
flow_step in_vmm(uint64_t at) {
  return {at, STEP_IN, 0, 0};
}
flow_step woken(uint64_t at) {
  return {at, STEP_WAKE, 0, 4711};
}
flow_step woken_by(uint64_t at, flow_wake_kind kind) {
  return {at, STEP_WAKE, 0, flow_waker(4711, kind)};
}
flow_step accept(uint64_t at) {
  return {at, STEP_ACCEPT, 0, 0};
}
flow_step wait(uint64_t at, uint64_t since, uint32_t throttled = 0) {
  return {at, STEP_WAIT, throttled, since};
}
flow_step held_by(uint64_t at, flow_culprit culprit, uint32_t throttled = 0, uint32_t irq_ns = 0) {
  return {at, STEP_BLAME, throttled | irq_ns << 1, culprit};
}
flow_step polled(uint64_t at, uint64_t ns) {
  return {at, STEP_HALT_END, 0, ns};
}
flow_step waited(uint64_t at, uint64_t ns) {
  return {at, STEP_HALT_END, 1, ns};
}
flow_step run(uint64_t at) {
  return {at, STEP_RUN, 0, 0};
}
flow_step end(uint64_t at) {
  return {at, STEP_END, 0, 0};
}

std::vector<uint64_t> no_anomalies() {
  return std::vector<uint64_t>(FLOW_ANOMALIES, 0);
}

std::vector<uint64_t> counted(flow_anomaly kind, uint64_t count) {
  auto anomalies = no_anomalies();
  anomalies[kind] = count;
  return anomalies;
}

}  // namespace

const std::vector<FlowTable>& flow_tables() {
  static const std::vector<FlowTable> tables = {
      {"an_exit_is_handled_between_exit_and_entry",
       {entry(100), exit_to(150, kCpuid), entry(170)},
       {.guest = 50, .kvm = 20},
       {{kCpuid, 1, 20}}},
      {"the_vmm_works_between_userspace_exit_and_entry",
       {entry(100), exit_to(150, kIo), userspace(160), entry(400)},
       {.guest = 50, .kvm = 10, .vmm = 240},
       {{kIo, 1, 250}}},
      {"the_vmm_works_until_it_enters_kvm_run",
       {entry(100), exit_to(150, kIo), userspace(160), run(380), entry(400)},
       {.guest = 50, .kvm = 10 + 20, .vmm = 220},
       {{kIo, 1, 250}}},
      {"the_first_kvm_run_starts_the_ledger",
       {run(100), out(110, FLOW_READY), in_kvm(170), entry(180), exit_to(200, kCpuid), entry(210)},
       {.guest = 20, .kvm = 10 + 10 + 10, .ready = 60},
       {{kCpuid, 1, 10}}},
      {"kvm_run_in_kvm_changes_nothing",
       {entry(100), exit_to(150, kCpuid), run(155), entry(170)},
       {.guest = 50, .kvm = 20},
       {{kCpuid, 1, 20}}},
      {"a_vmm_that_enters_kvm_run_to_halt_polls_from_there_on",
       {entry(100), exit_to(150, kHlt), userspace(160), run(180), out(300, FLOW_HALTED), woken(500),
        in_kvm(510), waited(520, 90), entry(530)},
       {.guest = 50, .kvm = 10 + 30 + 20, .vmm = 20, .halt_poll = 90, .halted = 200, .ready = 10},
       {{kHlt, 1, 80}}},
      {"halted_vcpu_waits_for_a_cpu_after_its_wakeup",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken(400), in_kvm(460),
        waited(480, 0), entry(500)},
       {.guest = 50, .kvm = 20 + 40, .halted = 230, .ready = 60},
       {{kHlt, 1, 60}}},
      {"failed_polling_before_a_halt_is_told_by_the_halts_end",
       {entry(100), exit_to(150, kHlt), out(270, FLOW_HALTED), woken(400), in_kvm(460),
        waited(480, 100), entry(500)},
       {.guest = 50, .kvm = 20 + 40, .halt_poll = 100, .halted = 130, .ready = 60},
       {{kHlt, 1, 60}}},
      {"successful_polling_never_sleeps",
       {entry(100), exit_to(150, kHlt), polled(250, 80), entry(260)},
       {.guest = 50, .kvm = 20 + 10, .halt_poll = 80},
       {{kHlt, 1, 30}}},
      {"host_time_before_a_halt_is_held_back_until_the_halt_ends",
       {entry(100), exit_to(150, kHlt), out(270, FLOW_HALTED)},
       {.guest = 50, .held = 120},
       {{kHlt, 1, 0}}},
      {"polling_of_a_vcpu_that_comes_from_the_vmm_is_taken_from_the_vmm",
       {entry(100), exit_to(150, kIntr), userspace(160), out(300, FLOW_HALTED), woken(500),
        in_kvm(510), waited(520, 90), entry(530)},
       {.guest = 50, .kvm = 10 + 20, .vmm = 50, .halt_poll = 90, .halted = 200, .ready = 10},
       {{kIntr, 1, 80}}},
      {"a_preempted_guest_is_ready_and_its_host_time_goes_to_the_exit_that_follows",
       {entry(100), out(150, FLOW_READY), in_kvm(350), exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 200},
       {{kIntr, 1, 20}}},
      {"a_preempted_exit_keeps_its_reason",
       {entry(100), exit_to(150, kIo), out(160, FLOW_READY), in_kvm(350), entry(370)},
       {.guest = 50, .kvm = 30, .ready = 190},
       {{kIo, 1, 30}}},
      {"a_vmm_that_sleeps_is_blocked_and_then_ready",
       {entry(100), exit_to(150, kIo), userspace(160), out(170, FLOW_VMM_BLOCKED), woken(900),
        in_vmm(930), entry(950)},
       {.guest = 50, .kvm = 10, .vmm = 30, .ready = 30, .vmm_blocked = 730},
       {{kIo, 1, 40}}},
      {"a_wakeup_before_the_switch_out_is_kept",
       {entry(100), exit_to(150, kHlt), woken(165), out(170, FLOW_HALTED), in_kvm(200),
        waited(210, 0), entry(220)},
       {.guest = 50, .kvm = 40, .ready = 30},
       {{kHlt, 1, 40}}},
      {"a_wakeup_of_an_earlier_sleep_is_stale",
       {entry(100), exit_to(150, kHlt), woken(160), entry(180), exit_to(200, kHlt),
        out(210, FLOW_HALTED), in_kvm(300), waited(310, 0), entry(320)},
       {.guest = 70, .kvm = 30 + 10 + 20, .halted = 90},
       {{kHlt, 2, 60}},
       counted(FLOW_WAKEUP_MISSING, 1)},
      {"a_halt_that_a_host_interrupt_ended_was_the_timers_if_the_vcpu_accepts_it_itself",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken_by(400, FLOW_WAKE_HARDIRQ),
        in_kvm(460), waited(480, 0), accept(490), entry(500)},
       {.guest = 50, .kvm = 20 + 40, .halted = 230, .ready = 60},
       {{kHlt, 1, 60}},
       no_anomalies(),
       {{FLOW_WAKE_OWN_INTERRUPT, 230}}},
      {"a_halt_that_a_host_interrupt_ended_is_unsettled_until_the_vcpu_accepts_or_enters",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken_by(400, FLOW_WAKE_HARDIRQ),
        in_kvm(460), waited(480, 0)},
       {.guest = 50, .kvm = 20 + 20, .halted = 230, .ready = 60},
       {{kHlt, 1, 40}},
       no_anomalies(),
       {},
       230},
      {"a_host_interrupt_that_the_vcpu_accepts_nothing_after_stays_what_it_is",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken_by(400, FLOW_WAKE_HARDIRQ),
        in_kvm(460), waited(480, 0), entry(500), accept(510)},
       {.guest = 50, .kvm = 20 + 40, .halted = 230, .ready = 60},
       {{kHlt, 1, 60}},
       no_anomalies(),
       {{FLOW_WAKE_HARDIRQ, 230}}},
      {"two_halts_in_a_row_each_have_their_own_end",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken_by(300, FLOW_WAKE_HARDIRQ),
        in_kvm(310), out(320, FLOW_HALTED), woken_by(400, FLOW_WAKE_IPI), in_kvm(410),
        waited(420, 0), accept(425), entry(430)},
       {.guest = 50, .kvm = 20 + 10 + 20, .halted = 130 + 80, .ready = 20},
       {{kHlt, 1, 50}},
       no_anomalies(),
       {{FLOW_WAKE_HARDIRQ, 130}, {FLOW_WAKE_IPI, 80}}},
      {"a_halt_with_a_request_in_flight_is_pending_for_no_longer_than_it_lasts",
       {entry(100),
        exit_to(150, kHlt),
        out(170, FLOW_HALTED),
        woken_by(400, FLOW_WAKE_VMM_DISK),
        {460, STEP_IN, 90, 1},
        waited(480, 0),
        entry(500),
        exit_to(510, kHlt),
        out(520, FLOW_HALTED),
        woken_by(560, FLOW_WAKE_VMM_DISK),
        {560, STEP_IN, 1000, 1},
        waited(570, 0),
        entry(580)},
       {.guest = 60, .kvm = 20 + 40 + 10 + 20, .halted = 230 + 40, .ready = 60},
       {{kHlt, 2, 60 + 30}},
       no_anomalies(),
       {{FLOW_WAKE_VMM_DISK, 230 + 40}},
       0,
       {},
       90 + 40},
      {"each_sleep_of_the_vmm_has_its_own_cause",
       {entry(100),
        exit_to(150, kIo),
        {170, STEP_OUT, FLOW_BLOCK_MEMORY + 1, FLOW_VMM_BLOCKED},
        woken(400),
        in_kvm(410),
        {420, STEP_OUT, FLOW_BLOCK_LOCK + 1, FLOW_VMM_BLOCKED},
        woken(470),
        in_kvm(470),
        out(480, FLOW_VMM_BLOCKED),
        woken(490),
        in_kvm(490),
        entry(500)},
       {.guest = 50, .kvm = 20 + 10 + 10 + 10, .ready = 10, .vmm_blocked = 230 + 50 + 10},
       {{kIo, 1, 50}},
       no_anomalies(),
       {},
       0,
       {},
       0,
       {{FLOW_BLOCK_MEMORY, 230}, {FLOW_BLOCK_LOCK, 50}, {FLOW_BLOCK_OTHER, 10}}},
      {"only_halts_have_a_reason",
       {entry(100), exit_to(150, kIo), userspace(160), out(170, FLOW_VMM_BLOCKED),
        woken_by(900, FLOW_WAKE_HARDIRQ), in_vmm(930), entry(950)},
       {.guest = 50, .kvm = 10, .vmm = 30, .ready = 30, .vmm_blocked = 730},
       {{kIo, 1, 40}}},
      {"ready_time_is_the_fault_of_who_held_the_cpu",
       {entry(100), out(150, FLOW_READY), wait(150, 150), held_by(200, FLOW_CULPRIT_OTHER_VM),
        held_by(230, FLOW_CULPRIT_NONE), held_by(350, FLOW_CULPRIT_HOST_TASK), in_kvm(350),
        exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 200},
       {{kIntr, 1, 20}},
       no_anomalies(),
       {},
       0,
       {{FLOW_CULPRIT_OTHER_VM, 50}, {FLOW_CULPRIT_NONE, 30}, {FLOW_CULPRIT_HOST_TASK, 120}}},
      {"what_nobody_was_blamed_for_is_unknown",
       {entry(100), out(150, FLOW_READY), wait(150, 150), held_by(200, FLOW_CULPRIT_OWN_VM),
        in_kvm(350), exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 200},
       {{kIntr, 1, 20}},
       no_anomalies(),
       {},
       0,
       {{FLOW_CULPRIT_OWN_VM, 50}, {FLOW_CULPRIT_UNKNOWN, 150}}},
      {"interrupts_are_told_from_whom_they_interrupt",
       {entry(100), out(150, FLOW_READY), wait(150, 150),
        held_by(250, FLOW_CULPRIT_OTHER_VM, 0, 30), held_by(300, FLOW_CULPRIT_HOST_TASK, 0, 500),
        held_by(350, FLOW_CULPRIT_HOST_TASK), in_kvm(350), exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 200},
       {{kIntr, 1, 20}},
       no_anomalies(),
       {},
       0,
       {{FLOW_CULPRIT_OTHER_VM, 70}, {FLOW_CULPRIT_IRQ, 80}, {FLOW_CULPRIT_HOST_TASK, 50}}},
      {"a_wait_for_a_cpu_begins_with_the_wakeup",
       {entry(100), exit_to(150, kHlt), out(170, FLOW_HALTED), woken_by(400, FLOW_WAKE_IPI),
        wait(410, 400), held_by(460, FLOW_CULPRIT_KERNEL_THREAD), in_kvm(460), waited(480, 0),
        entry(500)},
       {.guest = 50, .kvm = 20 + 40, .halted = 230, .ready = 60},
       {{kHlt, 1, 60}},
       no_anomalies(),
       {{FLOW_WAKE_IPI, 230}},
       0,
       {{FLOW_CULPRIT_KERNEL_THREAD, 60}}},
      {"a_used_up_quota_is_nobodys_fault",
       {entry(100), out(150, FLOW_READY), wait(150, 150, 1), held_by(300, FLOW_CULPRIT_OTHER_VM),
        held_by(350, FLOW_CULPRIT_OTHER_VM), in_kvm(350), exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 50, .throttled = 150},
       {{kIntr, 1, 20}},
       no_anomalies(),
       {},
       0,
       {{FLOW_CULPRIT_OTHER_VM, 50}}},
      {"a_quota_may_be_used_up_while_waiting",
       {entry(100), out(150, FLOW_READY), wait(150, 150), held_by(200, FLOW_CULPRIT_OWN_VM, 1),
        held_by(350, FLOW_CULPRIT_NONE), in_kvm(350), exit_to(360, kIntr), entry(370)},
       {.guest = 50, .kvm = 20, .ready = 50, .throttled = 150},
       {{kIntr, 1, 20}},
       no_anomalies(),
       {},
       0,
       {{FLOW_CULPRIT_OWN_VM, 50}}},
      {"blame_without_a_wait_changes_nothing",
       {entry(100), held_by(120, FLOW_CULPRIT_OTHER_VM), exit_to(150, kCpuid), entry(170)},
       {.guest = 50, .kvm = 20},
       {{kCpuid, 1, 20}}},
      {"the_newest_wakeup_counts",
       {entry(100), exit_to(150, kIo), userspace(160), woken(170), out(200, FLOW_VMM_BLOCKED),
        woken(500), in_vmm(540), entry(560)},
       {.guest = 50, .kvm = 10, .vmm = 60, .ready = 40, .vmm_blocked = 300},
       {{kIo, 1, 70}}},
      {"an_entry_in_the_guest_is_counted_and_changes_nothing",
       {entry(100), entry(120), exit_to(150, kCpuid), entry(160)},
       {.guest = 50, .kvm = 10},
       {{kCpuid, 1, 10}},
       counted(FLOW_ENTRY_IN_GUEST, 1)},
      {"an_exit_without_an_entry_is_counted",
       {entry(100), exit_to(150, kCpuid), exit_to(160, kCpuid), entry(170)},
       {.guest = 50, .kvm = 20},
       {{kCpuid, 2, 20}},
       counted(FLOW_EXIT_IN_KVM, 1)},
      {"time_before_an_impossible_event_is_unaccounted",
       {entry(100), exit_to(150, kHlt), out(160, FLOW_HALTED), entry(300), exit_to(350, kCpuid),
        entry(360)},
       {.guest = 50 + 50, .kvm = 10 + 10, .unknown = 140},
       {{kCpuid, 1, 10}, {kHlt, 1, 10}},
       counted(FLOW_MISSED_EVENT, 1)},
      {"a_clock_that_runs_backwards_adds_nothing",
       {entry(100), exit_to(150, kCpuid), entry(140), exit_to(190, kCpuid), entry(200)},
       {.guest = 50 + 40, .kvm = 10},
       {{kCpuid, 2, 10}},
       counted(FLOW_CLOCK_BACKWARD, 1)},
      {"the_ledger_of_a_thread_ends_with_it",
       {entry(100), exit_to(150, kIo), userspace(160), end(190)},
       {.guest = 50, .kvm = 10, .vmm = 30},
       {{kIo, 1, 40}}},
      {"the_first_event_may_be_a_switch_out_of_the_guest",
       {out(100, FLOW_READY), in_kvm(150), exit_to(160, kIntr), entry(180)},
       {.kvm = 10 + 20, .ready = 50},
       {{kIntr, 1, 10 + 20}}},
      {"the_first_event_may_be_a_switch_out",
       {out(100, FLOW_READY), in_kvm(150), entry(160), exit_to(200, kCpuid), entry(210)},
       {.guest = 40, .kvm = 20, .ready = 50},
       {{kCpuid, 1, 10}}},
  };
  return tables;
}

}  // namespace vmflow::test
