// SPDX-License-Identifier: GPL-2.0-only
// A device of the VMM: raises an interrupt every so often, from a thread of its own.
#pragma once

#include <chrono>
#include <thread>

#include "kvm_vm.h"

namespace vmflow::ground_truth {

/// Raises GUEST_VECTOR_DEVICE on the first vCPU every `period`, as long as it lives.
class Device {
 public:
  /// Errors: std::system_error if KVM takes no irqfd.
  Device(const KvmVm& vm, std::chrono::nanoseconds period);

 private:
  Fd line_;  // the eventfd; outlives the thread
  std::jthread thread_;
};

}  // namespace vmflow::ground_truth
