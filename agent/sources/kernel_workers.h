// SPDX-License-Identifier: GPL-2.0-only
// Kernel threads that work for a VMM: vhost workers before Linux 6.4, and after it where they are
// asked for.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

/// Remembers which kernel threads it has seen: each is read once, those that work for a VMM at
/// every look. Source: vhost_worker_create() names its thread vhost-<tid of the thread that owns
/// the device>; only the kernel can name a child of kthreadd. Threads: one at a time.
class KernelWorkers {
 public:
  explicit KernelWorkers(std::string proc = "/proc") : proc_(std::move(proc)) {}

  /// Adds the workers of each process in `threads` to its threads. Errors: none; a worker whose
  /// owner has ended before it was first seen, and one that ends meanwhile, are left out.
  void add_to(std::map<uint32_t, std::vector<ThreadReading>>& threads);

 private:
  std::vector<uint32_t> kernel_threads() const;
  uint32_t owner_of(uint32_t tid) const;

  std::string proc_;
  std::map<uint32_t, uint32_t> owners_;  // by kernel thread: the process that it works for; 0: none
};

}  // namespace vmflow
