// SPDX-License-Identifier: GPL-2.0-only
// What the running kernel offers: decided by looking (BTF, sysfs), never by its version.
#pragma once

#include <string>
#include <vector>

#include "agent/result.h"
#include "analysis/snapshot.h"
#include "bpf/config.h"
#include "bpf/records.h"

namespace vmflow {

enum class Kvm {
  absent,   ///< no KVM yet: it may be loaded later
  present,  ///< kvm and a vendor module are there
};

/// How the end of a vCPU is noticed.
enum class DestroyHook { kprobe, fentry, none };

struct KernelSupport {
  Kvm kvm = Kvm::absent;
  std::string vendor_module;         ///< kvm_amd, kvm_intel, …; empty if absent
  Vendor vendor = Vendor::kNone;     ///< kNone too for a KVM whose codes are not known
  std::string kernel;                ///< release
  std::string exit_source = "none";  ///< vmcb, vmx, argument, record, none
  /// Tracepoints that vmflow can do without, and that this kernel lacks.
  std::vector<std::string> missing_tracepoints;
  bool sees_nested = false;  ///< KVM tells when a guest runs a guest of its own
  DestroyHook destroy_hook = DestroyHook::none;
  bool sees_throttled_bios = false;   ///< __blk_throtl_bio() can be hooked
  bool sees_netdevs_removed = false;  ///< unregister_netdevice_queue() can
  flow_config config{};
};

/// Makes the exit code come from the record of the classic tracepoint. False if its place is not
/// known.
bool read_exit_code_from_record(KernelSupport& support);

/// Which vendor module is loaded or built in; empty if none is.
std::string loaded_vendor_module(const std::string& sysfs = "/sys");

/// Looks at the running kernel.
/// Errors: no BTF; a field or tracepoint without which no number could be right.
Result<KernelSupport> probe_kernel();

/// Errors: this process may not load BPF programs; says what it lacks.
Result<void> check_privilege();

}  // namespace vmflow
