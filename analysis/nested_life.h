// SPDX-License-Identifier: GPL-2.0-only
// What every vCPU of every guest inside a VM did over a trace: at which level it ran, at which it
// was preempted, what it waited for. Told from the host's events alone.
//
// A nested vCPU is a VMCB12 (VMCS12). Blind: what a VM does between an exit of its guest and the
// next entry of the same one counts as done for it, unless it halts or enters another one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "analysis/flow_replay_result.h"
#include "analysis/guest_spans.h"
#include "analysis/wait_reason.h"

namespace vmflow {

/// A closed set; kUnknown is an answer.
enum class NestedState : uint8_t {
  kRunning,     ///< in the nested guest
  kOwnGuest,    ///< in a guest of its own
  kHypervisor,  ///< the hypervisor that runs it works for it
  kHost,        ///< KVM and the VMM of the host work for it
  kReady,       ///< preempted by the host: its vCPU has no CPU
  kPreempted,   ///< preempted by its hypervisor: that runs another guest
  kWaiting,     ///< it, or its hypervisor for it, sleeps
  kStopped,     ///< the host's VMM sleeps, or has stopped it
  kUnknown,
};
constexpr uint32_t kNestedStates = 9;

/// As JSON and traces have it.
std::string_view nested_state_name(NestedState state);

/// Shape: `reason` of kWaiting, `culprit` of kReady (a place in ReplayResult::culprits), `by` of
/// kPreempted and kOwnGuest: the VMCB12 that had the vCPU, 0 if that is not told.
struct NestedStretch {
  uint64_t begin_ns = 0;
  uint64_t end_ns = 0;
  NestedState state = NestedState::kUnknown;
  WaitReason reason = WaitReason::kUnknown;
  uint32_t vcpu_id = 0;  ///< of the VM's vCPU that it was on
  uint32_t culprit = 0;
  uint64_t by = 0;
};

/// One nested vCPU. Units: nanoseconds.
/// Shape: kRunning, kHypervisor and kHost are l2, l1 and l0 of its nested_record; `state_ns` sums
///        to the time from its first stretch to its last, stretches lie end to end.
struct NestedVcpu {
  uint64_t vmcb12 = 0;
  uint64_t nested_vm = 0;  ///< see nested_vm_ids()
  uint32_t level = 2;      ///< 2: a guest of the VM; 3: a guest of such a guest; …
  uint64_t parent = 0;     ///< the VMCB12 that runs it; 0: the VM itself
  /// The process that runs it; absent: no registers were recorded, or it is one of a nested guest.
  std::optional<GuestProcessKey> owner = std::nullopt;
  std::array<uint64_t, kNestedStates> state_ns{};
  std::array<uint64_t, kWaitReasons> wait_ns{};    ///< of kWaiting
  std::array<uint64_t, FLOW_CULPRITS> ready_ns{};  ///< of kReady
  std::map<uint64_t, uint64_t> preempted_by_ns{};  ///< of kPreempted, by VMCB12
  std::vector<NestedStretch> stretches{};          ///< by time

  uint64_t whole_ns() const;
};

/// Shape: `vcpus` are by their first time.
struct VmNested {
  VmKey vm;
  std::vector<NestedVcpu> vcpus;
};

/// The nested vCPUs of all VMs that run guests, by VM.
std::vector<VmNested> nested_lives(const ReplayResult& replay);

}  // namespace vmflow
