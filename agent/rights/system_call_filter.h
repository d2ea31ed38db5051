// SPDX-License-Identifier: GPL-2.0-only
// The system calls that vmflowd makes once all is attached; the kernel refuses all others.
#pragma once

#include "agent/result.h"

namespace vmflow {

/// From now on every thread, and every child, gets EPERM for what is not on the list: no program is
/// executed, none traced, no BPF program loaded, no file system mounted, no namespace entered, no
/// memory made executable. EPERM instead of death, since what is refused is an error like any
/// other, which costs one answer or one snapshot, and the kernel's log says which call it was
/// (type=1326). Cannot be taken back. Needs no_new_privs or CAP_SYS_ADMIN. Errors: a kernel without
/// seccomp.
Result<void> filter_system_calls();

}  // namespace vmflow
