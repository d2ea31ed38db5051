// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: KVM and its VMs.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/cli/doctor_look.h"
#include "agent/cli/doctor_metrics.h"

namespace vmflow {
namespace {

/// The module that this CPU needs. Errors: empty; it has neither SVM nor VMX.
std::string wanted_module(const DoctorHost& host) {
  const auto flags = value_at(host, "proc/cpuinfo", "flags");
  return has_word(flags, "svm") ? "kvm_amd" : has_word(flags, "vmx") ? "kvm_intel" : "";
}

std::string vendor_module(const DoctorHost& host) {
  return loaded_vendor_module((host.root / "sys").string());
}

std::string enable_in_firmware(const DoctorHost& host) {
  return as_root(host, "systemctl reboot --firmware-setup");
}

CheckFinding look_at_cpu(const DoctorHost& host) {
  const auto vendor = value_at(host, "proc/cpuinfo", "vendor_id").substr(0, 40);
  const auto module = wanted_module(host);
  if (module == "kvm_amd") return fine("SVM (" + vendor + ")");
  if (module == "kvm_intel") return fine("VMX (" + vendor + ")");
  if (!vendor_module(host).empty()) return fine("no SVM or VMX, but " + vendor_module(host));
  if (!is_there(host, "proc/cpuinfo"))
    return cannot_tell("/proc/cpuinfo is not there", as_root(host, "mount -t proc proc /proc"));
  return missing("neither SVM nor VMX: none, off in the firmware, or not given to this VM",
                 enable_in_firmware(host));
}

CheckFinding look_at_kvm(const DoctorHost& host) {
  const auto loaded = vendor_module(host), wanted = wanted_module(host);
  if (loaded == "kvm_amd" || loaded == "kvm_intel") return fine(loaded);
  if (!loaded.empty())
    return degraded(
        loaded + ": its exit codes are not known to vmflow",
        wanted.empty() ? enable_in_firmware(host) : as_root(host, "modprobe " + wanted));
  if (wanted.empty())
    return missing("not loaded, and this CPU has no use for it", enable_in_firmware(host));
  return missing("not loaded; vmflowd attaches when it is", as_root(host, "modprobe " + wanted));
}

CheckFinding look_at_unloading(const DoctorHost& host) {
  if (agent_is_attached(host))
    return fine("vmflowd is attached: the module kvm cannot be unloaded until it ends");
  return fine("once vmflowd is attached, the module kvm cannot be unloaded until it ends");
}

CheckFinding look_at_nested(const DoctorHost& host) {
  const auto module = vendor_module(host);
  if (module.empty()) return cannot_tell("KVM is not loaded", "");
  const auto on = line_at(host, "sys/module/" + module + "/parameters/nested");
  if (on.empty()) return cannot_tell(module + " does not say", "");
  if (on != "1" && on != "Y") return fine("off: VMs cannot run guests of their own");
  if (host.kernel && !host.kernel->sees_nested)
    return degraded("on, but this kernel does not tell guests of guests (6.1 does)",
                    install(host, "linux-image-amd64"));
  return fine("on");
}

CheckFinding look_at_device(const DoctorHost& host) {
  if (is_there(host, "dev/kvm")) return fine("/dev/kvm");
  const auto wanted = wanted_module(host);
  if (vendor_module(host).empty() && !wanted.empty())
    return missing("no /dev/kvm: KVM is not loaded", as_root(host, "modprobe " + wanted));
  return missing("no /dev/kvm: VMMs cannot start VMs",
                 as_root(host, "mknod -m 660 /dev/kvm c 10 232"));
}

/// Source: the names that agent/sources/command_line knows; the kernel cuts them at 15 characters.
bool is_vmm(std::string_view name) {
  constexpr std::array<std::string_view, 5> kVmms = {"qemu-", "kvm", "firecracker",
                                                     "cloud-hyperviso", "crosvm"};
  return std::ranges::any_of(
      kVmms, [&](auto vmm) { return vmm == "qemu-" ? name.starts_with(vmm) : name == vmm; });
}

CheckFinding look_at_vms(const DoctorHost& host) {
  if (agent_is_attached(host)) {
    const auto vms = sum_of(*host.agent, kVms).value_or(0);
    return fine(fmt::format("{} followed by vmflowd", vms));
  }
  std::error_code failed;
  size_t vms = 0;
  const std::filesystem::directory_iterator processes(host.root / "proc", failed);
  if (failed) return cannot_tell("/proc cannot be listed", as_root(host, "vmflow doctor"));
  for (const auto& process : processes) {
    const auto pid = process.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(pid.front())) == 0) continue;
    vms += is_vmm(line_at(host, "proc/" + pid + "/comm"));
  }
  return fine(fmt::format("processes of known VMMs: {}", vms));
}

}  // namespace

std::vector<Check> kvm_checks() {
  return {
      {"cpu", "kvm", "CPU", "VMs need SVM or VMX.", Need::required, look_at_cpu},
      {"kvm", "kvm", "KVM", "Without KVM there is nothing to measure.", Need::required,
       look_at_kvm},
      {"kvm_in_use", "kvm", "unloading KVM", "A program on its tracepoints holds a module.",
       Need::advice, look_at_unloading},
      {"nested", "kvm", "nested", "Guests of guests are not told.", Need::advice, look_at_nested},
      {"kvm_device", "kvm", "/dev/kvm", "VMMs reach KVM through it.", Need::useful, look_at_device},
      {"vms", "kvm", "VMs", "There is nothing to see without VMs.", Need::advice, look_at_vms},
  };
}

}  // namespace vmflow
