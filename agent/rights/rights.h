// SPDX-License-Identifier: GPL-2.0-only
// The rights of vmflowd over its life: little at its start, and only for one thread, nothing once
// all programs are attached.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "agent/result.h"
#include "agent/rights/capabilities.h"
#include "agent/rights/privileged_thread.h"
#include "analysis/rights_flow.h"

namespace vmflow {

struct RightsOptions {
  std::string user;             ///< whom to become; see user_to_become()
  std::string snapshot_folder;  ///< given to that user; empty: none is needed
  bool kvm_is_loaded = false;   ///< attaching is a matter of seconds
};

class Rights {
 public:
  /// Becomes an unprivileged user, keeps what attaching needs, in one thread alone, and lets no
  /// program that is executed gain anything. Errors: as user_to_become(), or what the kernel
  /// refuses. Threads: before there is a second one.
  static Result<std::unique_ptr<Rights>> limit(const RightsOptions& options);

  /// Has `work` done with the rights that are left, and waits for it. Threads: any.
  void run(const std::function<void()>& work) { thread_.run(work); }

  /// Logs what is held. Threads: any.
  void tell(const char* when) const;

  /// Gives up all of them, for all threads, and filters system calls from now on. Once is enough.
  /// Threads: any.
  void give_up();

  /// As of the last change. Threads: any.
  RightsFlow flow() const;

 private:
  Rights() = default;
  void look();

  PrivilegedThread thread_;
  Capabilities always_;  ///< that no thread can do without
  std::string user_;     ///< that was become
  mutable std::mutex mutex_;
  RightsFlow flow_;  // mutex_
};

}  // namespace vmflow
