// SPDX-License-Identifier: GPL-2.0-only
// KVM's own counters of a VM or a vCPU.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace vmflow::ground_truth {

/// Counter names and values as KVM describes them itself.
using KvmStats = std::map<std::string, std::uint64_t>;

/// Reads all scalar counters of the VM or vCPU behind `fd`; histograms are left out.
/// Units:  each counter's own; *_ns are nanoseconds.
/// Errors: std::nullopt if this KVM has no KVM_GET_STATS_FD; std::runtime_error if what it
///         describes cannot be read.
/// Source: Linux, Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
[[nodiscard]] std::optional<KvmStats> read_kvm_stats(int fd);

}  // namespace vmflow::ground_truth
