// SPDX-License-Identifier: GPL-2.0-only
// What a source delivers at one tick, live or from a recording: values only. Everything after it is
// shared by both.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/given_names.h"
#include "analysis/slowdown.h"
#include "analysis/vm_use.h"
#include "bpf/records.h"

namespace vmflow {

/// Whose exit codes the host's KVM reports.
enum class Vendor { kNone, kVmx, kSvm };

/// One VM as the kernel sees it: a process and one struct kvm in it.
struct VmKey {
  uint32_t tgid = 0;
  uint64_t kvm = 0;
  auto operator<=>(const VmKey&) const = default;
};

/// One owner of one slot: the index is used again, with the next generation.
struct SlotKey {
  uint32_t index = 0;
  uint32_t generation = 0;
  auto operator<=>(const SlotKey&) const = default;
};

/// What is known of a VM by name. What could not be read stays empty.
/// Source: /proc/<pid>/{cmdline,stat,comm} of the VMM.
struct VmIdentity {
  std::string name;
  std::string uuid;
  std::string vmm;  ///< which program: qemu, firecracker, …
  uint32_t pid = 0;
  uint64_t start_ticks = 0;  ///< field 22 of stat: tells two processes with the same pid apart
  double start_time_unix_seconds = 0;
  bool alive = true;  ///< false: the process is gone
  GivenNames names = {};
  bool operator==(const VmIdentity&) const = default;
};

/// One slot in use, read consistently.
struct SlotCopy {
  uint32_t index = 0;
  vcpu_slot slot{};
};

/// One kernel program: is it attached, what did it cost on all CPUs together.
struct ProgramReading {
  std::string name;
  bool attached = false;
  program_cost cost{};
  uint64_t recursion_misses = 0;  ///< runs that the kernel skipped because it was running already
};

struct MapReading {
  std::string name;
  uint64_t entries = 0;
  uint64_t max_entries = 0;
};

/// One pair of the matrix of victims and culprits.
struct BlameReading {
  blame_key key{};
  blame value{};
};

/// One nested vCPU.
struct NestedReading {
  nested_key key{};
  nested_record record{};
};

/// One pair of vCPUs of a VM.
struct WakerReading {
  waker_key key{};
  waker_count value{};
};

/// A thread of a VMM process. Source: /proc/<pid>/task/<tid>/{comm,schedstat}, world-readable.
struct ThreadReading {
  uint32_t tid = 0;
  std::string name;
  uint64_t cpu_ns = 0;
  uint64_t ready_ns = 0;  ///< the scheduler's run delay
};

struct HostInfo {
  Vendor vendor = Vendor::kNone;
  std::string arch = "x86_64";
  std::string kernel;
  std::string exit_source;  ///< where exit codes are read from
};

/// All that one tick has read.
/// Units: `now_ns` is CLOCK_MONOTONIC, read before the slots were.
struct Snapshot {
  uint64_t now_ns = 0;
  std::vector<SlotCopy> slots;
  bool has_pairs = true;              ///< `blames` and `wakers` were read
  std::vector<BlameReading> blames;   ///< read before the slots: no pair is ahead of its vCPUs
  std::map<uint32_t, vm_io> ios;      ///< by VMM process
  std::vector<NestedReading> nested;  ///< read before the slots
  std::map<uint32_t, uint64_t> packets_waiting;                  ///< in taps, by VMM process
  std::array<__u64, FLOW_WAKE_KINDS> unattributed_interrupts{};  ///< of vCPUs of nobody known
  std::vector<WakerReading> wakers;   ///< read before the slots, like `blames`
  std::map<uint32_t, vm_skew> skews;  ///< by vcpu_slot::vm
  bool tells_irq = false;             ///< interrupt time is a culprit of its own
  uint32_t torn_slots = 0;  ///< slots in use that could not be read consistently; not in `slots`
  std::array<exit_histogram, FLOW_EXIT_CODES> exit_histograms{};  ///< by exit index, all CPUs
  std::array<uint64_t, FLOW_LOSSES> losses{};
  std::vector<ProgramReading> programs;
  std::vector<MapReading> maps;
  HostInfo host;
  bool entries_missing = false;  ///< a VM ran for a second in KVM and no entry or exit was seen
  std::map<VmKey, VmIdentity> identities;
  std::map<uint32_t, std::vector<ThreadReading>> threads;  ///< by VMM process
  std::map<VmKey, GuestContention> processes;              ///< of VMs whose processes are told
  uint64_t use_window_ns = kVmUseWindowNs;                 ///< over which VMs are judged idle
};

}  // namespace vmflow
