// SPDX-License-Identifier: GPL-2.0-only
// The threads of a VMM that run no vCPU: what they are for, and what they have used.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "analysis/snapshot.h"

namespace vmflow {

/// A closed set. Source: QEMU's thread names with -name …,debug-threads=on; vhost_worker_create();
/// io_uring's iou-wrk threads. Without those names a thread is kOther, the main one kEmulator.
enum class ThreadRole : uint32_t { kVhost, kIothread, kEmulator, kWorker, kOther };
constexpr uint32_t kThreadRoles = 5;

ThreadRole thread_role(std::string_view name, bool is_main);
std::string_view thread_role_name(ThreadRole role);

/// The thread that a vhost worker is named after; 0: it is none.
uint32_t vhost_owner(std::string_view name);

struct ThreadTime {
  uint64_t cpu_ns = 0;
  uint64_t ready_ns = 0;
  bool operator==(const ThreadTime&) const = default;
};
/// By ThreadRole.
using RoleTimes = std::array<ThreadTime, kThreadRoles>;

/// What one process' threads have used, those that have ended included. Threads: one at a time.
class ThreadBook {
 public:
  /// Takes in a look at process `pid`; `vcpu_tids` are left out from when they are known.
  /// Shape: `vcpu_tids` are in order.
  void take_in(uint32_t pid, const std::vector<ThreadReading>& threads,
               std::span<const uint32_t> vcpu_tids);
  /// Shape: never falls from one look to the next.
  RoleTimes times() const;

 private:
  struct Last {
    ThreadRole role = ThreadRole::kOther;
    ThreadTime time;
    uint64_t look = 0;  ///< in which it was seen last
  };
  void retire(const Last& last);

  std::map<uint32_t, Last> live_;
  RoleTimes ended_{};
  uint64_t looks_ = 0;
};

}  // namespace vmflow
