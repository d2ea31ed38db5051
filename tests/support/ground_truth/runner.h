// SPDX-License-Identifier: GPL-2.0-only
// All VMs of the process: a thread for each vCPU, which creates, runs and destroys VMs in rounds.
#pragma once

#include <barrier>
#include <latch>
#include <memory>
#include <vector>

#include "conductor.h"
#include "device.h"
#include "kvm_vm.h"
#include "options.h"
#include "truth.h"

namespace vmflow::ground_truth {

class Runner {
 public:
  explicit Runner(const Options& options);

  /// Runs every VM in all its rounds; the vCPU threads have ended when it returns. The VMs of
  /// the last round live as long as the Runner if the options ask to linger or to hold.
  /// Errors: does not return, but ends the process with one line on stderr.
  [[nodiscard]] std::vector<VmTruth> run();

 private:
  /// The threads of one VM at a time; the first creates and destroys it.
  struct Slot {
    Slot(std::size_t index, const Options& options);
    std::unique_ptr<KvmVm> vm;
    std::unique_ptr<Device> device;  // of the program irq
    std::vector<VmTruth> rounds;
    std::barrier<> all_vcpus;
  };

  void run_thread(Slot& slot, std::size_t vcpu);
  void run_round(Slot& slot, std::size_t vcpu, std::size_t round);
  void create_vm(Slot& slot) const;
  [[nodiscard]] bool outlives_its_threads(std::size_t round) const;
  void pin_thread(std::size_t vcpu_of_all) const;

  const Options options_;
  Conductor conductor_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::latch created_;
  std::latch start_{1};
};

}  // namespace vmflow::ground_truth
