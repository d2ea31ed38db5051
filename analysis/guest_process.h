// SPDX-License-Identifier: GPL-2.0-only
// Which processes ran inside a VM, what each waited for, and who woke it: from samples of the
// guest's registers and the interrupts that it was given, without anything in the guest.
//
// A guest changes processes without an exit. One that loses its vCPU right after a timer's
// interrupt, and more often than chance would have it, is taken to be preempted, and could have
// gone on; one that loses it at any time waits, for the interrupt after which it comes back, or
// else for the process before it. Chance is the share of its time between such an interrupt and the
// next exit.
//
// A process of a guest inside the guest is told apart by the VMCB12 under which it runs. The
// process that runs such a guest does not wait for it: that is its work.
//
// Blind: kernel threads and a guest's idle task borrow the page tables of the process before them;
// a process that came and went between two exits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/flow_replay_result.h"
#include "analysis/guest_spans.h"
#include "analysis/nested_life.h"
#include "analysis/process_rank.h"
#include "analysis/slowdown.h"
#include "analysis/wait_reason.h"

namespace vmflow {

/// What another process did to one. Shape: `process` is a place in VmProcesses::processes.
struct OtherProcess {
  uint32_t process = 0;
  uint64_t count = 0;
  uint64_t ns = 0;
};

/// One process of a guest. Units: nanoseconds.
/// Shape: guest, host, ready, blocked, nested, hypervisor, waits and `behind_ns` sum to the time
/// that it was followed,
///        once for each vCPU that it has at a time.
struct GuestProcess {
  GuestProcessKey key;
  uint32_t level = 1;          ///< 1: of the VM; 2: of a guest of it; 3: of a guest of that; …
  uint64_t certain_ns = 0;     ///< in the guest, between two exits that show it
  uint64_t sampled_ns = 0;     ///< in the guest, told by one exit alone
  uint64_t host_ns = 0;        ///< KVM and VMM at work for its exits
  uint64_t blocked_ns = 0;     ///< its vCPU slept for the host's reasons
  uint64_t nested_ns = 0;      ///< it runs a guest, for which its vCPU was at work
  uint64_t hypervisor_ns = 0;  ///< it is in a guest, whose hypervisor worked for its exits
  std::array<uint64_t, FLOW_CULPRITS> ready_ns{};  ///< its vCPU had no CPU, by who had it
  std::array<uint64_t, kWaitReasons> wait_ns{};    ///< it slept, by what made it go on
  uint64_t behind_ns = 0;  ///< it could run, and another process of the VM had the vCPU
  uint64_t preempted = 0;  ///< times that it lost the vCPU to a timer's interrupt
  uint64_t exits = 0;
  uint32_t threads = 0;               ///< stacks that it alone was seen on
  uint64_t thread_switches = 0;       ///< from one of its threads to another, by their stacks
  uint64_t preempted_by_threads = 0;  ///< of these, after a timer's interrupt
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  std::vector<OtherProcess> wakers;  ///< who ended its waits, the longest first
  std::vector<OtherProcess> behind;  ///< who had the vCPU just before it came back, of `behind_ns`

  uint64_t guest_ns() const { return certain_ns + sampled_ns; }
};

/// A process on a vCPU. Shape: `process` is a place in VmProcesses::processes.
struct ProcessStretch {
  uint32_t process = 0;
  uint32_t vcpu_id = 0;
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
};

/// A process between two stretches. Shape: it waited for `reason` until `woken_ns`, and then for
/// the vCPU; `by_process`, `behind` are places in VmProcesses::processes or kNoProcess, `by_tid` is
/// a thread of the host, 0 if none is told.
struct ProcessGap {
  uint32_t process = 0;
  uint32_t vcpu_id = 0;  ///< on which it goes on
  uint64_t begin_ns = 0;
  uint64_t woken_ns = 0;
  uint64_t end_ns = 0;
  WaitReason reason = WaitReason::kUnknown;
  uint32_t by_process = kNoProcess;  ///< who ended the wait
  uint32_t by_tid = 0;
  uint32_t behind = kNoProcess;  ///< who had the vCPU last
  bool after_halt = false;       ///< the vCPU slept until just before
};

/// Shape: the sums of the processes, `idle_ns` and `untold_ns` are the VM's guest time.
struct VmProcesses {
  VmKey vm;
  std::vector<GuestProcess> processes;         ///< the longest in the guest first
  std::vector<ProcessStretch> stretches = {};  ///< by their beginnings
  std::vector<ProcessGap> gaps = {};           ///< by their ends
  uint64_t idle_ns = 0;
  uint64_t untold_ns = 0;
  uint64_t left_out = 0;  ///< samples of processes that were too many to keep
  /// Of the VM's own guest time, the share between a timer's interrupt and the next exit. Near 1
  /// nothing tells a process that is preempted from one that waits: then it waits for what is not
  /// known.
  double after_timer_ratio = 0;
  bool isolated = false;  ///< the guest's kernel has page tables of its own
  /// Which of them matter to one another, see process_workload.h; absent: no wake-up is told.
  std::optional<ProcessRanks> ranks = std::nullopt;

  uint64_t guest_ns() const;
  /// Of the time in which somebody ran, the share in which both ends of a stretch tell who. 0 if
  /// nothing is told.
  double coverage() const;
};

/// What a process is called: "cr3:1a2b3000", in a nested guest "cr3:1a2b3000 of 7f000", which is
/// the VMCB12 that its VM is called after.
std::string process_name(const GuestProcessKey& key);

/// How much they waited for one another; nullopt if the samples tell too little of them.
std::optional<GuestContention> contention_of(const VmProcesses& vm);

/// The processes of all VMs whose registers the trace has, by VM. `nested` of the same replay tells
/// the level of each nested guest, which without it is 2.
std::vector<VmProcesses> guest_processes(const ReplayResult& replay,
                                         std::span<const VmNested> nested = {});

}  // namespace vmflow
