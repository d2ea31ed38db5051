// SPDX-License-Identifier: GPL-2.0-only
// Guests inside a guest: which nested vCPUs are one nested VM, what each has had, and which are
// forgotten.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "analysis/carry.h"
#include "analysis/flow_model.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// A nested vCPU that has not run for so long is forgotten. Units: nanoseconds.
constexpr uint64_t kNestedIdleNs = 600'000'000'000;
/// Two nested vCPUs with the same root are one VM if the lives of both overlap, give or take this:
/// a page that held the root of one VM may later hold that of another.
constexpr uint64_t kNestedOverlapNs = 1'000'000'000;

/// Brings the nested vCPUs of live VMs in `carry` up to `snapshot`. A new one joins the nested VM
/// that has its root and lives; a known one stays what it is, whatever its root.
void take_in_nested(Carry& carry, const Snapshot& snapshot);

/// The nested VMs of one VM, the oldest first. Shape: no number is below what was said before.
std::vector<NestedVm> nested_vms_of(const VmCarry& vm, Vendor vendor);

/// Of a snapshot without a past, as a replay gives it: which nested VM each VMCB12 of a VM belongs
/// to. A nested VM is called after its first VMCB12.
std::map<uint64_t, uint64_t> nested_vm_ids(const Snapshot& snapshot, VmKey vm);

/// What all nested guests of a VM have had; nullopt if it never ran any.
std::optional<NestedSums> nested_sums_of(const VcpuTotals& totals, uint64_t pending_ns);

/// Nested vCPUs to forget: those that have not run for kNestedIdleNs, those of an earlier VM, and
/// while the map is fuller than three quarters, of the VM that has most those that have not run for
/// longest.
std::vector<nested_key> nested_to_forget(const Snapshot& snapshot, const Carry& carry);

}  // namespace vmflow
