// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/default_rules.h"

namespace vmflow {
namespace {

std::vector<Rule> cpu_rules() {
  return {
      {.name = "ready_by_others",
       .what = "waits for a CPU that others have",
       .why = "Another VM or a task of the host that takes the CPU is the noisy neighbour whom the "
              "guest cannot see; a VM that always shares its CPUs is not news, one that shares "
              "more than usual is.",
       .metric = "vmflow_vm_ready_by_culprit_seconds_total",
       .labels = {{"culprit", {"other_vm", "host_task", "kernel_thread"}}}},
      {.name = "starved",
       .what = "waits for a CPU and gets none",
       .why = "Ready time has a culprit only when the wait is over, so one that does not end needs "
              "a rule of its own.",
       .metric = "vmflow_vm_open_wait_seconds",
       .labels = {{"state", {"ready"}}},
       .reading = RuleReading::kValue,
       .test = RuleTest::kAbove,
       .threshold = 2,
       .for_seconds = 1},
      {.name = "throttled",
       .what = "is held back by the CPU quota of its cgroup",
       .why = "A quota that suddenly bites looks to the guest like a slow CPU; one that always "
              "bites is how the VM was sold.",
       .metric = "vmflow_vm_vcpu_seconds_total",
       .labels = {{"state", {"throttled"}}}},
  };
}

std::vector<Rule> exit_rules() {
  return {
      {.name = "exit_storm",
       .what = "spends its CPU time on VM exits",
       .why = "Time of exits, not their number: a million cheap ones hurt less than a thousand "
              "that the VMM emulates.",
       .metric = "vmflow_vm_exit_seconds_total",
       .threshold = 0.3,
       .for_seconds = 5},
  };
}

std::vector<Rule> io_rules() {
  return {
      {.name = "disk_wait",
       .what = "sleeps while its disk requests are in flight",
       .why = "A guest that ticks is woken by its timer while its disk is slow, so what counts is "
              "the sleep with a request in flight, whatever ended it.",
       .metric = "vmflow_vm_halted_io_pending_seconds_total",
       .labels = {{"kind", {"disk"}}},
       .threshold = 0.3,
       .for_seconds = 5},
      {.name = "disk_taken",
       .what = "waits for a disk that serves other VMs",
       .why = "The noisy neighbour at a disk: time of its requests in which the disk worked for "
              "others.",
       .metric = "vmflow_vm_disk_wait_for_others_seconds_total",
       .threshold = 0.3,
       .for_seconds = 5},
  };
}

std::vector<Rule> blocked_rules() {
  return {
      {.name = "blocked_memory",
       .what = "waits for its own memory",
       .why = "A page that the host has swapped out, shared or not yet copied stops the vCPU where "
              "the guest expects memory.",
       .metric = "vmflow_vm_blocked_seconds_total",
       .labels = {{"cause", {"memory"}}}},
      {.name = "blocked_io",
       .what = "stands still while the VMM reads or writes for it",
       .why = "I/O that the VMM does in the vCPU's own thread stops the guest; an iothread would "
              "not.",
       .metric = "vmflow_vm_blocked_seconds_total",
       .labels = {{"cause", {"io"}}}},
      {.name = "halted_unknown",
       .what = "sleeps, and nothing says what ends it",
       .why = "Waits without a reason are waits that vmflow cannot explain and a trace may; off "
              "unless asked for, since with posted interrupts or AVIC every wait is one, and a VM "
              "that becomes idle would break it.",
       .metric = "vmflow_vm_wait_seconds_total",
       .labels = {{"reason", {"unknown"}}},
       .threshold = 0.5,
       .for_seconds = 10,
       .on = false},
  };
}

}  // namespace

std::vector<Rule> default_rules() {
  std::vector<Rule> all;
  for (const auto part : {cpu_rules, exit_rules, io_rules, blocked_rules})
    for (auto& rule : part()) all.push_back(std::move(rule));
  return all;
}

}  // namespace vmflow
