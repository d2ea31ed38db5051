// SPDX-License-Identifier: GPL-2.0-only
// Which VM a process runs: from the world-readable files of /proc alone, so that no capability is
// needed.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "analysis/snapshot.h"

namespace vmflow {

/// Remembers what it has read: a process is read once, then only checked for being the same one.
/// Threads: one at a time.
class VmInventory {
 public:
  explicit VmInventory(std::string proc = "/proc");

  /// The identity of a VM and its VMM process. `alive` is false once the process is gone or its
  /// number has gone to another; what was known of it stays. Errors: none; what cannot be read is
  /// empty.
  VmIdentity identify(const VmKey& vm);

  /// Forgets processes that are not asked for any more. Call once per snapshot, after identify().
  void forget_unused();

 private:
  struct Known {
    VmIdentity identity;
    bool used = true;
  };
  void read_names(const std::string& directory, uint64_t ticks, VmIdentity& identity) const;

  std::string proc_;
  double boot_unix_seconds_ = 0;
  std::map<VmKey, Known> known_;  // by VM: a pid may go to another VMM while its VM is still read
};

}  // namespace vmflow
