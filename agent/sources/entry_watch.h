// SPDX-License-Identifier: GPL-2.0-only
// Notices that VMs run on a KVM which reports no VM entry: then zeros would be a lie.
#pragma once

#include <algorithm>
#include <cstdint>

namespace vmflow {

/// Threads: one at a time.
class EntryWatch {
 public:
  /// CPU time inside KVM_RUN, and userspace exits, that cannot pass without a single VM entry. A
  /// few returns can: a VMM may ask KVM_RUN to come back at once.
  static constexpr uint64_t kMostRunNs = 1'000'000'000;
  static constexpr uint64_t kMostReturns = 100;

  /// Takes in one look: entries and exits seen so far, CPU time of threads inside KVM_RUN now, and
  /// userspace exits of vCPUs that were never entered. Returns whether entries are missing.
  bool is_missing(uint64_t entries, uint64_t kvm_run_ns, uint64_t returns) {
    if (entries != 0) return false;
    if (looked_) grown_ns_ += std::max(kvm_run_ns, last_ns_) - last_ns_;
    looked_ = true;
    last_ns_ = kvm_run_ns;
    return grown_ns_ >= kMostRunNs || returns >= kMostReturns;
  }

 private:
  bool looked_ = false;
  uint64_t last_ns_ = 0;
  uint64_t grown_ns_ = 0;
};

}  // namespace vmflow
