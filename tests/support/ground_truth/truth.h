// SPDX-License-Identifier: GPL-2.0-only
// What is known about a run, and its JSON form.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kvm_stats.h"
#include "schedstat.h"

namespace vmflow::ground_truth {

/// What the VMM did for the port accesses of a guest.
/// Units: sums of CLOCK_MONOTONIC and of the thread's CPU clock around each access.
struct PioTruth {
  std::uint64_t count = 0;
  std::int64_t wall_ns = 0;
  std::int64_t cpu_ns = 0;
};

/// What happened on one vCPU from right before its first KVM_RUN to right after its last.
/// Units: `first_run_ns` and `last_return_ns` are CLOCK_MONOTONIC.
struct VcpuTruth {
  std::size_t vcpu = 0;
  pid_t tid = 0;
  /// VM exits by cause, only those known by construction: a cause not listed is not known.
  std::map<std::string, std::uint64_t> exits;
  std::uint64_t interrupts = 0;
  PioTruth pio;
  std::uint64_t run_calls = 0;
  /// Userspace exits: returns of KVM_RUN by KVM_EXIT_*; `intr` are those with EINTR.
  std::map<std::string, std::uint64_t> userspace_exits;
  std::uint64_t kicks = 0;
  std::int64_t first_run_ns = 0;
  std::int64_t first_return_ns = 0;  ///< of the first KVM_RUN, which did not enter the guest
  std::int64_t last_return_ns = 0;
  std::int64_t thread_cpu_ns = 0;
  /// The last thing that its thread does: wall clock, and CPU time since the last return.
  std::int64_t thread_end_ns = 0;
  std::int64_t cpu_after_return_ns = 0;
  std::optional<SchedStat> schedstat;
  std::optional<KvmStats> kvm_stats;
};

/// One VM, from its creation to its end; `round` counts the repeats from 0.
struct VmTruth {
  std::size_t index = 0;
  std::size_t round = 0;
  std::vector<VcpuTruth> vcpus;
  std::optional<KvmStats> kvm_stats;
};

struct Truth {
  std::string program;
  pid_t pid = 0;
  std::size_t repeat = 0;
  std::vector<VmTruth> vms;
};

/// One JSON object in one line, without the newline. What the kernel lacks is null.
[[nodiscard]] std::string to_json(const Truth& truth);

}  // namespace vmflow::ground_truth
