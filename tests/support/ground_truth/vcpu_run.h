// SPDX-License-Identifier: GPL-2.0-only
// One vCPU from its first KVM_RUN to its last.
#pragma once

#include <cstddef>
#include <string>

#include "conductor.h"
#include "kvm_vm.h"
#include "options.h"
#include "truth.h"

namespace vmflow::ground_truth {

/// The symbol of the guest code where vCPU `vcpu` starts.
[[nodiscard]] const char* entry_of(Program program, std::size_t vcpu);

/// Writes what the guest program of each vCPU reads.
void set_params(const KvmVm& vm, const Options& options);

/// Runs vCPU `index` in the calling thread until its program has ended.
/// Errors: std::runtime_error if the guest faults or KVM returns what no program asks for.
[[nodiscard]] VcpuTruth run_vcpu(const KvmVm& vm, std::size_t index, const Options& options,
                                 Conductor& conductor);

/// Fills in what is known of the thread's end. To be called as the last thing that it does.
void note_thread_end(VcpuTruth& truth);

}  // namespace vmflow::ground_truth
