// SPDX-License-Identifier: GPL-2.0-only
// How long one vCPU of a VM ran while another one was ready, read from a record that others go on
// writing.
#pragma once

#include <cstdint>

#include "analysis/carry.h"
#include "analysis/snapshot.h"

namespace vmflow {

/// The skew of a VM until `now_ns`, the open interval included.
/// Shape:  whoever steps the record adds ends and takes away beginnings, each on its own, so that a
/// beginning without
///         its end shows in the value alone: it is then less than 0 by about as much as the host
///         has been up. The same for an end that came first.
/// Errors: none; an event a little younger than `now_ns` may make it a little less than 0, which is
/// 0.
uint64_t skew_ns(const vm_skew& vm, uint64_t now_ns);

/// Takes the skew of every VM in. Shape: it never falls while the VM lives.
void take_in_skews(Carry& carry, const Snapshot& snapshot);

}  // namespace vmflow
