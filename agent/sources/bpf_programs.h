// SPDX-License-Identifier: GPL-2.0-only
// Owns the BPF object: loads and attaches the programs, and hands out the maps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/sources/kernel_support.h"
#include "bpf/records.h"

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

  /// Mapped read-write: index 0 is never used. Shape: slot_count() entries.
  vcpu_slot* slots() { return slots_; }
  uint32_t slot_count() const { return slot_count_; }
  const cpu_record* cpus() const { return cpus_; }
  uint32_t cpu_count() const { return cpu_count_; }

  std::vector<exit_histogram> exit_histograms() const;
  std::vector<uint64_t> losses() const;
  std::vector<ProgramInfo> programs() const;

  /// Gives a slot back for the next vCPU. Its content must have been read for the last time.
  void recycle(uint32_t index);

 private:
  BpfPrograms() = default;
  static Result<BpfPrograms> load_with(const KernelSupport& support, uint32_t max_vcpus);
  Result<void> map_memory();

  struct Destroy {
    void operator()(vmflow_bpf* object) const;
  };
  std::unique_ptr<vmflow_bpf, Destroy> object_;
  vcpu_slot* slots_ = nullptr;
  cpu_record* cpus_ = nullptr;
  uint32_t slot_count_ = 0;
  uint32_t cpu_count_ = 0;
};

}  // namespace vmflow
