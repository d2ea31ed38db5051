// SPDX-License-Identifier: GPL-2.0-only
// Owns the BPF object: loads and attaches the programs, and hands out the maps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/sources/kernel_support.h"
#include "analysis/program_meter.h"
#include "bpf/records.h"

struct bpf_link;
struct vmflow_bpf;

namespace vmflow {

struct ProgramInfo {
  std::string name;
  bool attached = false;
  uint64_t recursion_misses = 0;
};

/// The programs, attached as long as this lives. Threads: one at a time.
class BpfPrograms {
 public:
  /// Loads and attaches everything that `support` allows.
  /// Shape: slots for `max_vcpus` vCPUs.
  /// Errors: no privilege, a program the verifier refuses, a tracepoint that does not exist.
  static Result<BpfPrograms> load(const KernelSupport& support, uint32_t max_vcpus);

  BpfPrograms(BpfPrograms&&) noexcept;
  BpfPrograms& operator=(BpfPrograms&&) noexcept;
  ~BpfPrograms();

  /// Mapped: index 0 is never used. Shape: slot_count() entries.
  const vcpu_slot* slots() const { return slots_; }
  uint32_t slot_count() const { return slot_count_; }
  /// No slot above this one was ever in use.
  uint32_t highest_slot() const;
  const cpu_record* cpus() const { return cpus_; }
  uint32_t cpu_count() const { return cpu_count_; }

  /// The flight recorder; nullptr if config.ring_kinds is 0. Shape: ring_records() entries for each
  /// of cpu_count(), one CPU after the other.
  const ring_record* ring() const { return ring_; }
  uint32_t ring_records() const { return ring_records_; }
  /// Begins or ends recording.
  void set_recording(bool on);
  /// When it was begun last; 0: it does not record. Units: CLOCK_MONOTONIC.
  uint64_t recording_since_ns() const { return recording_since_ns_; }

  /// Bits of enum flow_detail: what the programs do without from now on.
  void give_up(uint32_t details);

  /// Runs and sampled time of one program, all CPUs together.
  program_cost cost(flow_program program) const;
  ProgramCosts costs() const;
  uint64_t runs(flow_program program) const { return cost(program).runs; }

  std::vector<exit_histogram> exit_histograms() const;
  std::vector<uint64_t> losses() const;
  std::vector<ProgramInfo> programs() const;

  /// False: the end of a vCPU is told from its thread and its process alone.
  bool sees_vcpus_destroyed() const { return destroy_hook_ != DestroyHook::none; }

  /// False: disk requests that a cgroup's io.max holds back are not seen.
  bool sees_throttled_bios() const { return sees_throttled_bios_; }

  /// What the exit codes that were read and the classic tracepoint's own said of the same exits.
  struct CodeCheck {
    uint64_t equal = 0;
    uint64_t differing = 0;
  };
  /// Attaches the comparison, which costs as much as an exit, until it is ended. False: the codes
  /// come from the tracepoint, or it cannot be attached.
  bool begin_code_check();
  /// Detaches it.
  CodeCheck end_code_check();

  /// Looks through all threads for vCPUs that have had no event yet, and takes them in.
  /// Units:  returns the CPU time of all threads inside KVM_RUN, nanoseconds.
  /// Errors: none; a kernel without task iterators finds none.
  uint64_t discover_vcpus() const;

  /// The matrix of victims and culprits.
  std::vector<BlameReading> blames() const;

  /// Nested vCPUs, with what they have had so far; each is read for itself, while it may be
  /// running.
  std::vector<NestedReading> nested_vcpus() const;
  void forget_nested(const std::vector<nested_key>& keys);

  /// Which vCPUs wake one another.
  std::vector<WakerReading> wakers() const;

  /// The record of a VM. `index`: vcpu_slot::vm.
  vm_skew skew(uint32_t index) const;

  /// Disk requests and packets by VMM process.
  std::map<uint32_t, vm_io> ios() const;
  /// Packets that wait now in the taps of a VMM process.
  std::map<uint32_t, uint64_t> packets_waiting() const;
  /// Interrupts of vCPUs of nobody known. Shape: by enum flow_wake_kind.
  std::vector<uint64_t> unattributed_interrupts() const;

  /// Forgets what concerns none of the VMs `live`: their pairs, nested vCPUs, processes, taps and
  /// disks.
  void forget_all_but(const std::set<VmKey>& live);

  /// Gives a slot back for the next vCPU. Its content must have been read for the last time.
  void recycle(uint32_t index);

 private:
  BpfPrograms() = default;
  static Result<BpfPrograms> load_with(const KernelSupport& support, uint32_t max_vcpus);
  Result<void> map_memory();
  bool has_vm(const std::set<VmKey>& live, uint32_t tgid) const;
  void forget_disks(const std::set<VmKey>& live);

  struct Destroy {
    void operator()(vmflow_bpf* object) const;
  };
  struct Detach {
    void operator()(bpf_link* link) const;
  };
  std::unique_ptr<vmflow_bpf, Destroy> object_;  // its links too
  std::unique_ptr<bpf_link, Detach> code_check_;
  void leave_vm(vcpu_slot& slot);

  vcpu_slot* slots_ = nullptr;
  vm_skew* vms_ = nullptr;
  const cpu_record* cpus_ = nullptr;
  const ring_record* ring_ = nullptr;
  uint32_t ring_records_ = 0;
  uint64_t recording_since_ns_ = 0;
  uint32_t slot_count_ = 0;
  uint32_t cpu_count_ = 0;
  DestroyHook destroy_hook_ = DestroyHook::none;
  bool sees_throttled_bios_ = false;
};

}  // namespace vmflow
