// SPDX-License-Identifier: GPL-2.0-only
// What a VMM's command line tells of its VM. Whoever starts a VM writes it: it is hostile text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vmflow {

struct CommandLineFacts {
  std::string vmm;   ///< qemu, firecracker, cloud-hypervisor, crosvm, or the program's own name
  std::string name;  ///< as the operator called the VM; empty if nothing tells
  std::string uuid;  ///< lower case, 8-4-4-4-12; empty if there is none or it is malformed
  std::string vmid;  ///< Proxmox' number of the VM
};

/// The uuid in lower case. Errors: none; empty if `text` is not 8-4-4-4-12.
std::string valid_uuid(std::string_view text);

/// `text` if it is a number as Proxmox gives them to VMs, else empty.
std::string valid_vmid(std::string_view text);

/// Splits /proc/<pid>/cmdline at its NUL bytes.
std::vector<std::string> split_command_line(std::string_view bytes);

/// Reads QEMU's -name and -uuid (and Proxmox' -id and -smbios uuid=), Firecracker's --id, Cloud
/// Hypervisor's --platform uuid=, and crosvm's (or kvmtool's) --name and --smbios uuid=. What
/// stands behind another option is that option's value, a guest's kernel parameters above all,
/// whatever it looks like. Errors: none; what is not understood is left empty, and `comm` names the
/// VMM.
CommandLineFacts read_command_line(const std::vector<std::string>& arguments,
                                   std::string_view comm);

}  // namespace vmflow
