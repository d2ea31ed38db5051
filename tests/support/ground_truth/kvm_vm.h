// SPDX-License-Identifier: GPL-2.0-only
// A VM of one 2 MiB page whose vCPUs start in long mode at a given guest program.
#pragma once

#include <linux/kvm.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "guest_code.h"
#include "handles.h"
#include "slow_memory.h"

namespace vmflow::ground_truth {

/// The parameter pages and stacks of this many vCPUs fit into the guest's memory.
inline constexpr std::size_t kMaxVcpus = 64;

/// One vCPU and its shared kvm_run page.
class Vcpu {
 public:
  Vcpu(Fd fd, Mapping run) : fd_(std::move(fd)), run_(std::move(run)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const kvm_run& run() const { return *run_.at<kvm_run>(0); }
  /// Makes every KVM_RUN return with EINTR before it enters the guest.
  void set_immediate_exit(bool on) const { run_.at<kvm_run>(0)->immediate_exit = on ? 1 : 0; }
  /// The `index`-th byte that the guest wrote to a port.
  /// Shape: valid only after a return with KVM_EXIT_IO.
  [[nodiscard]] unsigned char io_byte(std::size_t index = 0) const {
    return *run_.at<unsigned char>(run().io.data_offset + index);
  }

 private:
  Fd fd_;
  Mapping run_;
};

/// A VM with an in-kernel irqchip, so that HLT blocks in KVM, and LAPICs in x2APIC mode.
class KvmVm {
 public:
  /// Creates the VM and one vCPU for each of `entries`, the symbols where the vCPUs start.
  /// Errors: std::system_error that names what KVM refused.
  explicit KvmVm(const std::vector<const char*>& entries);

  /// GUEST_SLOW_PAGES pages at GUEST_SLOW_MEMORY, each of which comes after `delay`.
  void add_slow_memory(std::chrono::nanoseconds delay);

  /// A VMCB and nested page tables for the first vCPU's program vmrun, whose guest is
  /// guest_of_the_guest.
  void add_nested_guest();

  [[nodiscard]] int fd() const { return vm_.get(); }
  [[nodiscard]] const Vcpu& vcpu(std::size_t index) const { return vcpus_[index]; }
  [[nodiscard]] GuestParams& params(std::size_t index) const;
  /// Guest-physical, and as it is identity-mapped virtual, address of params(index).
  [[nodiscard]] static std::uint64_t params_address(std::size_t index);

 private:
  void create_vm();
  void fill_memory();
  void create_vcpu(std::size_t index, const char* entry);
  void set_cpuid(int vcpu) const;

  // Closed in reverse: vCPUs, the VM, then the memory it used.
  Fd kvm_;
  Mapping memory_;
  std::unique_ptr<SlowMemory> slow_memory_;
  Fd vm_;
  std::vector<Vcpu> vcpus_;
};

}  // namespace vmflow::ground_truth
