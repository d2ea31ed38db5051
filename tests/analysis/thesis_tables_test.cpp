// SPDX-License-Identifier: GPL-2.0-only
// Which test shows which row of the tables of the thesis (H. Nemati, Virtual Machine Flow Analysis
// Using Host Kernel Tracing, 2019): the states of a vCPU with the reasons of its waits, processes
// and threads of a guest, and the execution graph. Nested VMs: nested_test.cpp and
// replay_tables_test.cpp. That the tests named here exist is a test too.
//
// Rows that make no sense here, and why:
//
//   row                                  why not
//   24, wait for the GPU at vector 49    a vector is the guest's own choice; a passed-through
//                                        device is told by its route (passthrough)
//   14, "syscall wait"                   re-entered after HLT without an injection: KVM is asked
//                                        whether it halted, and what nothing ended is unknown
//   vectors 238, 239, 251 to 253         Linux' of one time: who gave the interrupt, and in whose
//                                        context, is what counts
//   vectors of disk and net are learnt   for the same reason; nothing is to be learnt
//   19, preempted by a thread inside     every change of the user's stack pointer counted as one:
//                                        threads are counted, a switch between them is not told
//   100, exit marked as preemption       by hooks that were switched off; a habit tells it instead
//   hypercalls 1100, 1101                need a program in the guest
//   names by a table of stacks           taken from the guest
//   wait reason over the whole absence   a wait ends with its wake-up; what follows is ready time
//   windows: no injection is a timer     unknown is an answer
//   guest hypervisor as a worker         its time is level L1 of its vCPU's; what it does for
//                                        which nested VM is told by its VMCB12
//   pseudo-host 666 of vhost workers     a vhost worker belongs to its VM
//   vote of the victims, per second      a sum over the culprits of the ready time tells the same
#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace vmflow::test {
namespace {

/// Shape: `test` is a test of this binary as gtest lists it, without the value of its parameter.
struct Row {
  std::string_view row;
  std::string_view test;
};

// Values that a vCPU's state has, and the rules that set them.
constexpr Row kStates[] = {
    {"1 root; kvm_exit: histogram",
     "Thesis/ThesisStates.an_exit_begins_root_time_and_an_entry_ends_it"},
    {"2 non-root L1", "Thesis/ThesisStates.an_exit_begins_root_time_and_an_entry_ends_it"},
    {"15 non-root L2",
     "Thesis/ThesisStates.a_nested_guest_that_loses_its_cpu_is_preempted_with_its_vcpu"},
    {"3 preempted at L0",
     "Thesis/ThesisStates.a_vcpu_that_loses_its_cpu_after_any_exit_but_hlt_is_preempted"},
    {"3, out of the guest",
     "Thesis/ThesisStates.a_guest_that_loses_its_cpu_is_preempted_before_its_exit_is_told"},
    {"3, after HLT but runnable",
     "Thesis/ThesisStates.a_vcpu_that_could_go_on_after_hlt_is_preempted_and_not_idle"},
    {"4 preempted at L1", "GuestProcess.two_that_share_a_vcpu_run_and_wait_behind_each_other"},
    {"5 preempted at L2",
     "Thesis/ThesisStates.a_nested_guest_that_loses_its_cpu_is_preempted_with_its_vcpu"},
    {"6 wait for task",
     "Thesis/ThesisStates.a_halt_that_a_siblings_interrupt_ends_waits_for_a_task"},
    {"7 wait for timer",
     "Thesis/ThesisStates.a_halt_that_the_vcpus_own_timer_ends_waits_for_the_timer"},
    {"8 wait for disk",
     "Thesis/ThesisStates.a_halt_that_a_completed_disk_request_ends_waits_for_the_disk"},
    {"9 wait for network", "Thesis/ThesisStates.a_halt_that_a_packet_ends_waits_for_the_network"},
    {"10, 11 reason not yet known",
     "Thesis/ThesisStates.a_sleep_that_nothing_has_ended_has_no_reason"},
    {"reason written back over the absence",
     "ReplayTimeline.writes_a_wait_back_over_all_of_it_when_its_reason_shows"},
    {"reason_set, once for each absence",
     "Thesis/ThesisStates.each_sleep_has_the_reason_of_its_own_end"},
    {"the absence, after its wake-up", "ReplayReady.of_a_woken_vcpu_begins_with_its_wakeup"},
    {"16 preempted by a host process, 17 by a VM",
     "ReplayReady.is_the_fault_of_each_who_held_the_cpu_meanwhile"},
    {"timer, but last exit not HLT",
     "Thesis/ThesisStates.a_timer_after_a_preemption_is_no_wait_for_the_timer"},
    {"18 preempted by a process inside",
     "Thesis/ThesisProcesses.a_process_that_always_loses_its_vcpu_to_a_tick_is_preempted_inside"},
    {"20-23, 238, 239, 251-253 injections",
     "Thesis/ThesisStates.every_interrupt_that_a_vcpu_is_given_is_kept_with_its_giver"},
    {"0 unknown vector; no injection at all",
     "Thesis/ThesisStates.a_halt_without_an_interrupt_after_its_wakeup_is_an_unknown_wait"},
    {"asleep, last exit not HLT", "Thesis/ThesisStates.a_sleep_after_a_fault_is_no_halt"},
    {"accept is classified by who runs",
     "PlainReplay.the_giver_of_an_interrupt_just_before_names_the_wakeup"},
    {"preemption matrix", "ReplayReady.has_the_names_of_the_culprits_in_the_model"},
    {"preempted, resumes on another CPU",
     "ReplayReady.of_a_vcpu_that_is_moved_while_it_waits_is_of_both"},
    {"lost wake-up", "Thesis/ThesisStates.a_lost_wakeup_makes_all_of_the_absence_a_wait"},
    {"late wake-up",
     "Thesis/ThesisStates.a_wakeup_that_comes_behind_the_switch_in_is_as_good_as_lost"},
};

// Processes and threads of a guest.
constexpr Row kProcesses[] = {
    {"process = CR3", "GuestProcess.roots_are_told_apart_by_their_address_alone"},
    {"each new CR3 is a new process; prev != cr3",
     "Thesis/ThesisProcesses.another_root_is_another_process_and_a_known_one_comes_back"},
    {"wakeup_source = prev",
     "GuestProcess.one_that_goes_on_without_an_interrupt_was_woken_by_the_one_before"},
    {"prev = cr3", "Thesis/ThesisProcesses.the_same_root_goes_on_as_the_same_process"},
    {"prev unknown: waited until switch-in; kvm_exit HLT",
     "Thesis/ThesisProcesses.a_process_that_halts_waits_for_what_ends_the_halt"},
    {"internal preemption",
     "Thesis/ThesisProcesses.a_process_that_always_loses_its_vcpu_to_a_tick_is_preempted_inside"},
    {"no internal preemption",
     "GuestProcess.one_that_loses_the_vcpu_at_any_time_waits_for_the_other"},
    {"process preempted with its vCPU",
     "Thesis/ThesisProcesses.a_process_whose_vcpu_loses_its_cpu_is_preempted_with_it"},
    {"wake-up source CR3 of an IPI",
     "Thesis/ThesisProcesses.a_process_that_an_ipi_wakes_was_woken_by_who_ran_on_the_sender"},
    {"thread, user RSP", "GuestProcess.threads_are_stacks_and_no_processes"},
    {"thread, kernel RSP", "Thesis/ThesisProcesses.kernel_stacks_of_one_process_are_its_threads"},
    {"kernel stack of several processes", "GuestProcess.a_stack_of_several_processes_is_no_thread"},
    {"per process: vCPUs, exits, threads",
     "Thesis/ThesisProcesses.a_process_has_the_vcpus_and_the_exits_of_all_its_threads"},
    {"an interrupt while another one runs",
     "GuestProcess.one_that_waits_while_another_runs_waits_for_its_own_reason"},
    {"an interrupt before the last one",
     "Thesis/ThesisProcesses.a_process_was_not_woken_by_an_interrupt_that_was_handled_before"},
    {"doubled, lost and swapped events",
     "Thesis/ThesisProcesses.doubled_events_change_no_process_and_lost_ones_no_sum"},
};

// The execution graph and the path through it.
constexpr Row kGraph[] = {
    {"RUNNING at HL0, HL1, HL2; kvm_exit while nested",
     "Thesis/ThesisGraph.running_time_is_an_edge_of_each_level"},
    {"PREEMPTED, of vCPU and process",
     "Thesis/ThesisGraph.preempted_vcpu_and_its_process_are_ready_behind_who_has_the_cpu"},
    {"PREEMPTED by another VM",
     "ExecutionGraph/BothVendors.vcpu_without_a_cpu_is_behind_who_has_it"},
    {"TIMER, NETWORK, BLOCK_DEVICE, BLOCKED",
     "Thesis/ThesisGraph.what_ends_a_wait_names_its_edge_and_links_who_ended_it"},
    {"ttwu: vCPU to vCPU, process to process",
     "BothVendors/ProcessGraph.process_waits_for_a_process_that_waits_for_its_disk"},
    {"ttwu: vCPU to vhost", "Thesis/ThesisGraph.vhost_worker_is_blocked_until_a_vcpu_kicks_it"},
    {"ttwu: vhost to vhost, vhost to vCPU",
     "ExecutionGraph.wake_ups_link_vcpu_vhost_vhost_and_vcpu"},
    {"net with waker and wakee in two VMs",
     "ExecutionGraph/BothVendors.client_waits_for_the_servers_disk_over_both_vhosts"},
    {"workers", "ExecutionGraph.workers_know_their_vms_and_kinds"},
    {"lost and doubled wake-ups",
     "Thesis/ThesisGraph.lost_wake_up_links_nobody_and_a_doubled_one_once"},
    {"lost, doubled and swapped events",
     "ExecutionGraph.lost_and_doubled_events_leave_a_path_that_fills_its_window"},
    {"path: blocked edges are replaced, recursively",
     "CriticalPath.of_a_process_that_waits_for_one_that_waits_for_its_disk_ends_on_the_disk"},
    {"path: over vhosts of two VMs",
     "CriticalPath.of_a_vm_that_waits_for_a_vm_goes_over_both_vhosts"},
    {"path: non-blocked edges are copied", "CriticalPath.keeps_three_levels_of_running_in_order"},
    {"path: no waker found, the edge is kept",
     "CriticalPath.keeps_a_wait_that_nobody_or_an_untold_worker_has_ended"},
    {"path: limited to the blocking window",
     "CriticalPath.leaves_what_the_waker_does_not_tell_with_who_waits"},
    {"across hosts by TCP packets",
     "JoinGraphs.path_goes_to_the_disk_of_a_server_on_another_host_and_back"},
};

std::set<std::string, std::less<>> registered_tests() {
  std::set<std::string, std::less<>> names;
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); i++) {
    const auto& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); j++) {
      const std::string name = suite.GetTestInfo(j)->name();
      names.insert(std::string(suite.name()) + "." + name.substr(0, name.find('/')));
    }
  }
  return names;
}

void expect_tests(std::span<const Row> rows) {
  const auto names = registered_tests();
  std::set<std::string_view> seen;
  for (const auto& row : rows) {
    EXPECT_TRUE(names.contains(row.test)) << row.row << ": no test " << row.test;
    EXPECT_TRUE(seen.insert(row.row).second) << row.row << " is there twice";
  }
}

}  // namespace

TEST(ThesisTables, every_row_of_the_vcpu_states_has_its_test) {
  expect_tests(kStates);
}

TEST(ThesisTables, every_row_of_the_processes_has_its_test) {
  expect_tests(kProcesses);
}

TEST(ThesisTables, every_row_of_the_execution_graph_has_its_test) {
  expect_tests(kGraph);
}

// A row's test that nobody names here would be found by nobody who reads the thesis.
TEST(ThesisTables, every_test_of_a_row_is_named) {
  std::set<std::string_view> named;
  for (const std::span<const Row> rows :
       {std::span<const Row>(kStates), std::span<const Row>(kProcesses),
        std::span<const Row>(kGraph)})
    for (const auto& row : rows) named.insert(row.test);
  for (const auto& name : registered_tests())
    if (name.starts_with("Thesis/")) {
      EXPECT_TRUE(named.contains(name)) << name;
    }
}

}  // namespace vmflow::test
