// SPDX-License-Identifier: GPL-2.0-only
// What slows a VM down, as vCPU time by kind, and which of the causes each kind speaks for.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpf/records.h"

namespace vmflow {

/// Which of the causes of slowness holds: a closed set; kUnknown is an answer.
enum class Cause : uint32_t { kNothing, kOwnLoad, kInsideVm, kOtherVm, kPlatform, kUnknown };
constexpr uint32_t kCauses = 6;

/// As a reader knows it: "own load", "co-located VM", …
std::string_view cause_name(Cause cause);
/// As metrics and JSON have it: "own_load", "colocated_vm", …
std::string_view cause_label(Cause cause);

/// What a VM lost vCPU time to: slowdown_rules() says which time that is.
enum class SlowdownKind : uint32_t {
  kCpuOtherVm,
  kDiskOtherVm,
  kCpuHostTask,
  kCpuKernelThread,
  kCpuInterrupts,
  kCpuIdle,
  kQuota,
  kMemory,
  kVmmIo,
  kVmmLock,
  kVmmOther,
  kPaused,
  kDiskHeld,
  kDiskSlow,
  kNetBackend,
  kEmulation,
  kNestedHypervisors,
  kProcesses,
  kExitStorm,
  kOwnWork,
  kOwnDisk,
  kOwnThreads,
  kUntold,
  kDiskUntold,
  kCpuUnknown,
  kUnaccounted,
};
constexpr uint32_t kSlowdownKinds = 26;
/// By SlowdownKind. Units: nanoseconds of vCPU time.
using SlowdownSums = std::array<uint64_t, kSlowdownKinds>;
/// By Cause. Units: the same.
using CauseSums = std::array<uint64_t, kCauses>;

CauseSums by_cause(const SlowdownSums& sums);

/// Of which time evidence of its processes tells what it was.
uint64_t limited_by_itself_ns(const SlowdownSums& sums);

/// How much the processes of a VM wait for one another's vCPUs.
/// Shape: `behind_share` of the guest time, 0: never, 1: at least one waits at any time.
struct GuestContention {
  double behind_share = 0;
};

/// Time that one culprit had taken from the VM at some moment.
struct TakenTime {
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  uint32_t pid = 0;
  uint64_t ns = 0;
};

/// The same over the last minute. Units: nanoseconds; `whole_ns` is vCPU time, `wanted_ns` the part
/// of it in which a vCPU ran or could have run.
struct SlowdownWindow {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  uint64_t whole_ns = 0;
  uint64_t wanted_ns = 0;
  SlowdownSums ns{};
  std::vector<TakenTime> taken_before;  ///< as of `begin_ns`; less of it is what was taken since
};

struct SlowdownFlow {
  SlowdownSums total_ns{};  ///< since the VM was first seen; never falls
  SlowdownWindow window;
  bool processes_told = false;  ///< who ran inside was known at the last look
};

}  // namespace vmflow
