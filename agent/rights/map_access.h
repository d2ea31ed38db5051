// SPDX-License-Identifier: GPL-2.0-only
// Whether maps that are open can be read without a capability.
#pragma once

namespace vmflow {

/// Linux 5.19 and later let who holds a map use it; earlier ones refuse every bpf() to who lacks
/// cap_bpf where kernel.unprivileged_bpf_disabled is set, as it is by default. Makes a map with
/// cap_bpf and reads it without; this thread's capabilities are as before then. Returns true, too,
/// where no map can be made: what needs more says so itself.
bool maps_need_no_capability();

}  // namespace vmflow
