// SPDX-License-Identifier: GPL-2.0-only
// Is this CPU a program? Then what a program of the kernel takes says nothing of hardware.
#pragma once

namespace vmflow {

/// True under QEMU's TCG, where each instruction takes a hundred times as long as on hardware.
/// Source: CPUID leaf 0x40000000, the name that a hypervisor gives itself.
bool cpu_is_emulated();

}  // namespace vmflow
