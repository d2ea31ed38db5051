// SPDX-License-Identifier: GPL-2.0-only
// What the names of a process' cgroups tell of its VM. Hints: who may make cgroups may call them
// anything.
#pragma once

#include <string>
#include <string_view>

namespace vmflow {

struct CgroupNames {
  std::string machine;  ///< of systemd-machined: qemu-1-web; of libvirt without it the same
  std::string pod_uid;  ///< of a Kubernetes pod, with dashes
  std::string vmid;     ///< of Proxmox
};

/// Reads /proc/<pid>/cgroup, of either version of cgroups. Errors: none; what is not told is empty.
CgroupNames read_cgroup(std::string_view file);

}  // namespace vmflow
