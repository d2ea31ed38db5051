// SPDX-License-Identifier: GPL-2.0-only
// A device of the VMM: raises an interrupt every so often, from a thread of its own; a disk reads a
// block for each, a network card a packet.
#pragma once

#include <memory>
#include <thread>

#include "kvm_vm.h"
#include "options.h"
#include "vhost_net.h"

namespace vmflow::ground_truth {

/// Raises GUEST_VECTOR_DEVICE on the first vCPU every `period`, as long as it lives.
class Device {
 public:
  /// Errors: std::system_error if KVM takes no irqfd, or the file or tap cannot be opened.
  Device(const KvmVm& vm, const Options& options);

 private:
  Fd line_;  // the eventfd; all three outlive the thread
  Fd disk_;
  Fd tap_;
  std::unique_ptr<VhostNet> vhost_;
  std::jthread thread_;
};

}  // namespace vmflow::ground_truth
