// SPDX-License-Identifier: GPL-2.0-only
// What a replayed trace comes to: the slots that the kernel would have had, and what only a trace
// can give. Values only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/event.h"
#include "analysis/exit_reason.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// What was wrong with the events themselves; what contradicts itself within one vCPU is in its
/// flow_anomaly.
enum class ReplayAnomaly : uint32_t {
  kUnknownVcpu,       ///< an event of KVM without a thread that could run the vCPU
  kOutOfOrder,        ///< older than an event before it
  kImpossibleTime,    ///< 0, or later than any clock that began at boot
  kImpossibleThread,  ///< a tid that no kernel gives
  kImpossibleCpu,
  kImpossibleState,  ///< a vCPU that leaves its CPU for a state in which nobody does
  kProcessUntold,    ///< a vCPU whose process is not told: it counts as a VM of its own
  kTooManyVcpus,
  kTooManyThreads,  ///< whose process is not kept
  kTooManyWaiters,  ///< more vCPUs wait for one CPU than FLOW_WAITERS: these waits are unknown
  kTooManyBlames,   ///< no room for one more pair of victim and culprit
  kTooManyWakers,   ///< no room for one more pair of vCPUs that wake one another
  kTooManyNested,   ///< more nested vCPUs than FLOW_MAX_NESTED
};
constexpr uint32_t kReplayAnomalies = 13;
using ReplayAnomalies = std::array<uint64_t, kReplayAnomalies>;

/// In words, for a report.
std::string_view replay_anomaly_text(ReplayAnomaly anomaly);

/// Who held the CPU. Shape: `vm` is of the process that ran, `kvm` 0 unless it was a vCPU.
struct ReplayCulprit {
  flow_culprit kind = FLOW_CULPRIT_UNKNOWN;
  VmKey vm;
  uint32_t tid = 0;
  Comm comm{};
};

/// One stretch of a vCPU in one state, with what is known of it.
struct ReplayInterval {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  flow_state state = FLOW_UNKNOWN;
  uint32_t exit_index = FLOW_EXIT_NONE;   ///< of host time: the open exit, if below FLOW_EXIT_CODES
  flow_wake_kind wait = FLOW_WAKE_KINDS;  ///< of halted time: what ended it; none: not known
  flow_block block = FLOW_BLOCKS;         ///< of blocked time; none: not known
  uint32_t culprit = 0;  ///< of ready time: a place in ReplayResult::culprits; 0: not known
};

/// The guest's registers as it left for the host. Units: `ns` of the exit.
struct GuestSample {
  uint64_t ns = 0;
  uint64_t cr3 = 0;  ///< with whatever bits the guest has in it
  uint64_t rsp = 0;
  uint64_t vmcb12 = 0;  ///< of the nested vCPU that ran; 0: the VM itself
  uint32_t cpl = 0;
  bool is_halt = false;         ///< it left to halt, whoever of the levels below takes it
  bool is_interrupted = false;  ///< an interrupt took it out, nothing that it did
};

/// An interrupt for a vCPU, asleep or not, and who gave it.
struct GivenInterrupt {
  uint64_t ns = 0;
  flow_wake_kind kind = FLOW_WAKE_BARE;
  uint32_t by = 0;  ///< of FLOW_WAKE_IPI a vCPU id or FLOW_ANY_VCPU, else a thread
};

/// What becomes of a vCPU that runs guests of its VM, step by step as nested_flow.h has it.
enum class NestedStep : uint8_t {
  kEnters,     ///< the VM has executed VMRUN, VMLAUNCH or VMRESUME
  kReflected,  ///< an exit of the nested guest is given to the VM
  kHalts,      ///< the VM executes HLT
  kLost,       ///< how the vCPU left the nested guest was missed
};

/// Units: `ns` is from when on the vCPU's time is dealt out so. Shape: `vmcb12` and `root` of
/// kEnters, `exit_index` of kReflected.
struct NestedChange {
  uint64_t ns = 0;
  NestedStep step = NestedStep::kEnters;
  uint32_t exit_index = FLOW_EXIT_NONE;
  uint64_t vmcb12 = 0;
  uint64_t root = 0;
};

/// Shape: `intervals` do not overlap, the oldest first; their sums by state are those of the slot,
/// with the open
///        interval until the end of the trace.
struct ReplayedVcpu {
  VmKey vm;
  uint32_t vcpu_id = 0;  ///< its thread, if no event has told the id
  bool id_told = false;
  uint32_t tid = 0;
  std::vector<ReplayInterval> intervals;
  std::vector<GuestSample> samples;        ///< by time
  std::vector<GivenInterrupt> interrupts;  ///< by time
  std::vector<NestedChange> nested;        ///< by time
  uint32_t halt_exit = FLOW_EXIT_NONE;     ///< see halt_exit()
  uint64_t left_out = 0;  ///< intervals, samples, interrupts and changes that were too many to keep
};

/// Which events there were at all: without them a result is inferred, or missing.
struct ReplayVocabulary {
  bool runs = false;       ///< RunEvent: else VMM time lasts until the entry
  bool halt_ends = false;  ///< HaltEndEvent: else halt polling is host time
  bool outs = false;       ///< VcpuOutEvent: else which sleep is a halt is inferred
  bool wakes = false;      ///< WakeEvent: else what ended a halt is inferred
  bool switches = false;   ///< SwitchEvent: else nobody is to blame
  bool irqs =
      false;  ///< IrqEvent: else interrupts of the host are not told from whom they interrupted
};

/// What one vCPU's events had come to at some moment. Shape: `exits` by folded_exit() place;
/// `given` is interrupts by flow_wake_kind, without those out of an interrupt of the host, which
/// tell no VM.
struct ReplayCounts {
  std::array<uint64_t, kFoldedExits> exits{};
  std::array<uint64_t, FLOW_CULPRITS> preempted{};
  std::array<uint64_t, FLOW_WAKE_KINDS> given{};
};

/// Shape: `vcpus` are in the order of `snapshot.slots`; `culprits[0]` is nobody.
struct ReplayResult {
  Snapshot snapshot;
  std::vector<ReplayedVcpu> vcpus;
  std::vector<ReplayCulprit> culprits;
  ReplayAnomalies anomalies{};
  ReplayVocabulary vocabulary;
  /// At the end of each window of ReplayOptions::count_every_ns, by vCPU; the last is that of all
  /// events. vCPUs that came later are missing. Events that are one (see FlowReplay) count where
  /// the first of them is.
  std::vector<std::vector<ReplayCounts>> counts;
  bool counts_left_out = false;  ///< there were too many windows: the last ones have none
  uint64_t events = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
};

}  // namespace vmflow
