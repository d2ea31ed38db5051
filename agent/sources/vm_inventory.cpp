// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/vm_inventory.h"

#include <fmt/format.h>

#include <filesystem>
#include <tuple>

#include "agent/sources/cgroup_names.h"
#include "agent/sources/command_line.h"
#include "agent/sources/proc_files.h"

namespace vmflow {

VmInventory::VmInventory(std::string proc)
    : proc_(std::move(proc)), boot_unix_seconds_(vmflow::boot_unix_seconds(proc_)) {}

VmIdentity VmInventory::identify(const VmKey& vm) {
  const auto directory = fmt::format("{}/{}", proc_, vm.tgid);
  auto& known = known_[vm];
  known.used = true;
  auto& identity = known.identity;
  identity.pid = vm.tgid;
  const auto ticks = start_ticks_of(read_proc_file(directory + "/stat"));
  if (!ticks) {
    // Unreadable is not gone: the agent may be short of files or memory.
    std::error_code failed;
    identity.alive = std::filesystem::exists(directory, failed) || failed;
    return identity;
  }
  const bool first_time = identity.start_ticks == 0;
  identity.alive = first_time || identity.start_ticks == *ticks;
  if (first_time || identity.vmm.empty()) read_names(directory, *ticks, identity);
  return identity;
}

void VmInventory::read_names(const std::string& directory, uint64_t ticks,
                             VmIdentity& identity) const {
  auto comm = read_proc_file(directory + "/comm");
  while (!comm.empty() && comm.back() == '\n') comm.pop_back();
  auto facts = read_command_line(split_command_line(read_proc_file(directory + "/cmdline")), comm);
  identity.name = facts.name.empty() ? comm : std::move(facts.name);
  identity.uuid = std::move(facts.uuid);
  identity.vmm = std::move(facts.vmm);
  auto cgroup = read_cgroup(read_proc_file(directory + "/cgroup"));
  auto& names = identity.names;
  names.machine = std::move(cgroup.machine);
  names.pod_uid = std::move(cgroup.pod_uid);
  names.vmid = std::move(facts.vmid.empty() ? cgroup.vmid : facts.vmid);
  // Its libvirt runs inside the pod, where nobody reaches it.
  if (const auto kubevirt = split_kubevirt_name(identity.name);
      kubevirt && !names.pod_uid.empty() && identity.vmm == "qemu")
    std::tie(names.kubevirt_namespace, names.kubevirt_name) = *kubevirt;
  identity.start_ticks = ticks;
  identity.start_time_unix_seconds = boot_unix_seconds_ + tick_seconds(ticks);
}

void VmInventory::forget_unused() {
  std::erase_if(known_, [](const auto& entry) { return !entry.second.used; });
  for (auto& [vm, known] : known_) known.used = false;
}

}  // namespace vmflow
