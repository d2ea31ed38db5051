// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/userspace_exit.h"

#include <array>

namespace vmflow {
namespace {

// Source: KVM_EXIT_* of linux/kvm.h, in their order.
constexpr std::array<std::string_view, 41> kNames = {
    "unknown",
    "exception",
    "io",
    "hypercall",
    "debug",
    "hlt",
    "mmio",
    "irq_window_open",
    "shutdown",
    "fail_entry",
    "intr",
    "set_tpr",
    "tpr_access",
    "s390_sieic",
    "s390_reset",
    "dcr",
    "nmi",
    "internal_error",
    "osi",
    "papr_hcall",
    "s390_ucontrol",
    "watchdog",
    "s390_tsch",
    "epr",
    "system_event",
    "s390_stsi",
    "ioapic_eoi",
    "hyperv",
    "arm_nisv",
    "x86_rdmsr",
    "x86_wrmsr",
    "dirty_ring_full",
    "ap_reset_hold",
    "x86_bus_lock",
    "xen",
    "riscv_sbi",
    "riscv_csr",
    "notify",
    "loongarch_iocsr",
    "memory_fault",
    "tdx",
};

}  // namespace

std::string_view userspace_exit_name(uint32_t index) {
  if (index == FLOW_USERSPACE_ERROR) return "error";
  return index < kNames.size() ? kNames[index] : "other";
}

}  // namespace vmflow
