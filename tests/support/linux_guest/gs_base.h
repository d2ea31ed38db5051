// SPDX-License-Identifier: GPL-2.0-only
// What lets the guest live with a fault of the emulated CPU.
#pragma once

#include <cstddef>

namespace vmflow::linux_guest {

/// Asks the kernel where the data of each CPU is, which takes a while: before anything is measured.
/// Errors: ends the guest if it does not tell; does nothing on a CPU without WRGSBASE.
void prepare_for_doubled_interrupts();

/// From now on the calling thread, and all that it starts, survive on this CPU an interrupt that is
/// delivered twice in user mode. They must not run on another CPU.
/// Why:    QEMU's TCG keeps the vector that a VMRUN injects as a pending exception, and delivers it
///         again if the emulation is interrupted before the next one. The second frame comes from
///         kernel mode, so its handler does not swap GS, and works with that of user mode; this
///         makes both the same. Real CPUs need none of it.
/// Errors: none; does nothing unless it was prepared.
void survive_doubled_interrupts(size_t cpu);

}  // namespace vmflow::linux_guest
