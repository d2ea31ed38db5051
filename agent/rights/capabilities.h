// SPDX-License-Identifier: GPL-2.0-only
// The kernel's capabilities, of the calling thread: libcap without libpsx, whose way of reaching
// other threads does not see those of std::thread. Nobody needs to reach them: see
// privileged_thread.h.
#pragma once

#include <sys/capability.h>

#include <span>
#include <string>
#include <vector>

#include "agent/result.h"

namespace vmflow {

using Capabilities = std::vector<cap_value_t>;

/// What attaching the programs may need, and nothing else does:
///   bpf, perfmon     loading and attaching them;
///   syslog           addresses in /proc/kallsyms, where kernel.kptr_restrict or
///   perf_event_paranoid
///                    hides them: without, waits that the host's interrupts end are `unknown`;
///   dac_read_search  tracefs, which is root's: the tracepoint's own record of exit codes, which
///   those
///                    read from KVM's structures are held against for the first second;
///   sys_admin        BTF of KVM's modules, by which the end of a vCPU is hooked, and perf events
///   where
///                    kernel.perf_event_paranoid is above 2, as it is on Debian: that hook on
///                    kernels that have kprobes, and that record. Without, a vCPU ends with its
///                    thread.
/// It cannot do without the first two.
const Capabilities& capabilities_to_attach();

/// Those of them that are kept from the start on: sys_admin only if it is needed, and only for a
/// moment, which it is not while KVM is waited for.
Capabilities capabilities_to_keep(bool kvm_is_loaded);

/// Without `cap_`. Errors: none; one that libcap does not know is its number.
std::string capability_name(cap_value_t capability);

bool is_permitted(cap_value_t capability);

/// From now on this thread, and those that it starts, hold those of `kept` that they hold already.
/// Errors: the kernel refuses, which it has no reason to.
Result<void> keep_only(std::span<const cap_value_t> kept);

/// The bounding and the ambient set become empty. The bounding one stays as it is where cap_setpcap
/// is not held (a service manager's unit may say so): it only limits what a program that is
/// executed could gain.
void empty_bounding_set();

}  // namespace vmflow
