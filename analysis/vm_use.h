// SPDX-License-Identifier: GPL-2.0-only
// Does a VM do anything but keep itself alive, and has it more vCPUs than it uses? Judged over the
// last minutes, with what speaks for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

struct VmFlow;

/// Long enough to even out what a guest does for itself once a minute, short enough that a VM that
/// falls idle is called so before a person asks.
constexpr uint64_t kVmUseWindowNs = 300'000'000'000;

/// What of a VM's counters tells it. Units: nanoseconds and counts since the VM was first seen.
struct VmUsePoint {
  struct Vcpu {
    uint32_t id = 0;
    uint64_t wanted_ns = 0;  ///< on a CPU, ready or throttled
  };
  uint64_t whole_ns = 0;    ///< vCPU time
  uint64_t wanted_ns = 0;   ///< of it, on a CPU, ready or throttled
  uint64_t blocked_ns = 0;  ///< of it, for memory or in the VMM's reads and writes
  uint64_t paused_ns = 0;
  uint64_t disk_pending_ns = 0;  ///< halted with a request in flight
  uint64_t timers = 0;           ///< wake-ups
  uint64_t ipis = 0;
  uint64_t devices = 0;  ///< interrupts of devices of which nothing else is seen
  uint64_t disk_requests = 0;
  uint64_t packets_sent = 0;  ///< or read, where nothing tells what it sends
  uint64_t packets_received = 0;
  bool tells_sent = false;
  std::vector<Vcpu> vcpus = {};  ///< by id
};

VmUsePoint vm_use_point(const VmFlow& vm);

/// What happened in between. Shape: nothing falls; a vCPU that `before` has not counts from 0.
VmUsePoint operator-(const VmUsePoint& now, const VmUsePoint& before);

enum class VmUseKind {
  kUnknown,    ///< not yet seen for long enough, or stopped
  kIdle,       ///< it keeps itself alive, and does nothing else
  kOversized,  ///< half of its vCPUs would do, or some were not used
  kInUse,
};

/// `unknown`, `idle`, `oversized`, `in_use`.
std::string_view vm_use_name(VmUseKind kind);

/// The judgement. Units: `window_ns` is what was looked at; `most_vcpus` is vCPUs, of which one
/// second of the window has used so many at once on average, and no other one more.
struct VmUse {
  VmUseKind kind = VmUseKind::kUnknown;
  uint64_t window_ns = 0;
  uint32_t vcpus = 0;
  uint32_t unused_vcpus = 0;  ///< that did nothing but tick
  double most_vcpus = 0;
  VmUsePoint happened = {};  ///< in the window
};

/// Judges what `happened` in `window_ns`, which must have been seen whole. `vcpus` are those that
/// live now.
VmUse judge_vm_use(VmUsePoint happened, uint64_t window_ns, uint32_t vcpus, double most_vcpus);

/// "0.3 % of a CPU, 12 timer wake-ups a second, no disk, no network for 5 min"; of one that is not
/// idle what keeps it from that.
std::string vm_use_sentence(const VmUse& use);

}  // namespace vmflow
