// SPDX-License-Identifier: GPL-2.0-only
// What one build of the model hands to the next, so that no counter falls and nothing counts twice.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "analysis/helper_threads.h"
#include "analysis/open_interval.h"
#include "analysis/slowdown_book.h"
#include "analysis/snapshot.h"
#include "analysis/vm_label.h"
#include "analysis/vm_use_book.h"

namespace vmflow {

/// A vCPU as last reported.
struct VcpuCarry {
  VmKey vm;
  uint64_t vcpu = 0;  ///< address of struct kvm_vcpu
  uint32_t vcpu_id = 0;
  uint32_t tid = 0;
  uint32_t skew = FLOW_NO_VM;  ///< index of its VM's vm_skew
  uint64_t taken_ns = 0;
  uint64_t thread_exit_ns = 0;
  uint64_t destroyed_ns = 0;
  bool torn = false;  ///< not read in this snapshot: the last reported values stand
  VcpuReading reported;
};

/// A nested vCPU as last reported.
struct NestedCarry {
  uint64_t nested_vm = 0;  ///< the VMCB12 that the nested VM is called after
  nested_record record{};
  std::array<uint64_t, FLOW_LEVEL_REST>
      level_ns{};  ///< its record's and what runs on, never falling
};

/// A live VM.
struct VmCarry {
  std::string label;
  bool identified = false;  ///< the label is final
  bool process_gone = false;
  std::map<uint64_t, NestedCarry> nested;  ///< by VMCB12
  uint64_t skew_ns = 0;                    ///< as last reported
  std::map<uint32_t, VcpuTotals> retired;  ///< by vCPU id: vCPUs whose slots have been given back
  SlowdownBook slowdown;
  VmUseBook use;
};

/// All of it. A default one starts from nothing.
struct Carry {
  std::map<SlotKey, VcpuCarry> vcpus;
  std::map<VmKey, VmCarry> vms;
  std::set<SlotKey> finished;              ///< counted for the last time, not yet seen recycled
  std::map<uint32_t, ThreadBook> threads;  ///< by VMM process
  LabelBook labels;
  VcpuTotals departed;
  uint64_t departed_vms = 0;
  uint64_t clamps = 0;
  uint64_t duplicate_uuids = 0;
  uint64_t torn_slots = 0;
  std::map<std::string, uint64_t> program_run_ns;  ///< estimates vary: as last reported
};

}  // namespace vmflow
