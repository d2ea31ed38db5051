// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: what the kernel must have for BPF programs on KVM's and the scheduler's events.
#include <fmt/format.h>

#include <cstdio>

#include "agent/cli/doctor_look.h"

namespace vmflow {
namespace {

std::string install_kernel(const DoctorHost& host) {
  return install(host, is_command_there(host, "dnf") ? "kernel" : "linux-image-amd64");
}

CheckFinding look_at_release(const DoctorHost& host) {
  const auto release = line_at(host, "proc/sys/kernel/osrelease");
  int major = 0, minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2)
    return cannot_tell("/proc/sys/kernel/osrelease does not say",
                       as_root(host, "mount -t proc proc /proc"));
  if (major < 5 || (major == 5 && minor < 8))
    return missing(release + ": BPF of this kernel lacks what vmflow uses (5.8 brings it)",
                   install_kernel(host));
  return fine(release);
}

CheckFinding look_at_btf(const DoctorHost& host) {
  if (is_there(host, "sys/kernel/btf/vmlinux")) return fine("/sys/kernel/btf/vmlinux");
  return missing("no /sys/kernel/btf/vmlinux: built without CONFIG_DEBUG_INFO_BTF",
                 install_kernel(host));
}

// Built into the kernel, KVM's types are in vmlinux.
CheckFinding look_at_module_btf(const DoctorHost& host) {
  const auto vendor = loaded_vendor_module((host.root / "sys").string());
  if (vendor.empty()) return cannot_tell("KVM is not loaded", "");
  for (const auto& module : {std::string("kvm"), vendor}) {
    const bool is_module = is_there(host, fmt::format("sys/module/{}/initstate", module));
    if (is_module && !is_there(host, "sys/kernel/btf/" + module))
      return missing(fmt::format("module {} has no BTF (/sys/kernel/btf/{})", module, module),
                     install_kernel(host));
  }
  return fine("kvm, " + vendor);
}

// This file is there on every kernel that has the system call.
CheckFinding look_at_bpf(const DoctorHost& host) {
  if (!is_there(host, "proc/sys/kernel/unprivileged_bpf_disabled"))
    return missing("no bpf() system call: built without CONFIG_BPF_SYSCALL", install_kernel(host));
  return fine("the bpf() system call is there");
}

CheckFinding look_at_tracepoints(const DoctorHost& host) {
  if (!host.kernel) return missing(host.kernel.error().message, install_kernel(host));
  const auto& lacking = host.kernel->missing_tracepoints;
  if (lacking.empty())
    return fine(host.kernel->kvm == Kvm::absent
                    ? "the scheduler's; KVM's appear when it is loaded"
                    : "all; exit codes from " + host.kernel->exit_source);
  return degraded(fmt::format("{} are not there: {}", lacking.size(), fmt::join(lacking, " ")),
                  install_kernel(host));
}

CheckFinding look_at_lockdown(const DoctorHost& host) {
  const auto modes = line_at(host, "sys/kernel/security/lockdown");
  if (modes.find("[confidentiality]") != std::string::npos)
    return missing(
        "confidentiality: no BPF program may read the kernel",
        line_as_root(host,
                     "sed -i 's/lockdown=confidentiality/lockdown=integrity/' /etc/default/grub && "
                     "update-grub"));
  if (modes.find("[integrity]") != std::string::npos) return fine("integrity: BPF may read");
  if (!modes.empty()) return fine("none");
  if (agent_is_attached(host)) return fine("vmflowd reads the kernel");
  // Said for its own sake: whether programs load is another row.
  if (!is_there(host, "sys/kernel/security/lsm"))
    return degraded("securityfs is not mounted",
                    as_root(host, "mount -t securityfs securityfs /sys/kernel/security"));
  return fine("this kernel has no lockdown");
}

CheckFinding look_at_rights(const DoctorHost& host) {
  if (agent_is_attached(host)) return fine("vmflowd has attached its programs");
  if (host.may_load_programs) return fine("this user may load BPF programs");
  const auto& problem = host.may_load_programs.error().message;
  if (!caller_is_root(host))
    return cannot_tell("this user may not load BPF programs; root, or CAP_BPF and CAP_PERFMON, may",
                       "sudo vmflow doctor");
  return missing(problem, "capsh --print");
}

/// Source: kallsyms_show_value() of kernel/ksyms_common.c: 2 hides from all, 1 from who has no
/// CAP_SYSLOG, and so does 0 where perf_event_paranoid is above 1.
CheckFinding look_at_addresses(const DoctorHost& host) {
  const auto hidden = number_at(host, "proc/sys/kernel/kptr_restrict");
  const auto paranoid = number_at(host, "proc/sys/kernel/perf_event_paranoid");
  if (!hidden)
    return cannot_tell("kernel.kptr_restrict cannot be read", as_root(host, "vmflow doctor"));
  if (*hidden >= 2)
    return degraded("kernel.kptr_restrict=2 hides the kernel's addresses from everybody",
                    as_root(host, "sysctl -w kernel.kptr_restrict=1"));
  const auto found = fmt::format("kptr_restrict={} perf_event_paranoid={}", *hidden,
                                 paranoid ? fmt::format("{}", *paranoid) : "?");
  const bool is_service = is_there(host, "lib/systemd/system/vmflowd.service") ||
                          is_there(host, "usr/lib/systemd/system/vmflowd.service");
  const bool is_roots = is_there(host, "etc/systemd/system/vmflowd.service.d/as-root.conf");
  if (is_service && !is_roots && (*hidden == 1 || paranoid.value_or(0) > 1))
    return degraded(found + " hide addresses from a service that is not root's",
                    as_root(host, "sysctl -w kernel.kptr_restrict=0 kernel.perf_event_paranoid=1"));
  return fine(found);
}

CheckFinding look_at_memory_lock(const DoctorHost& host) {
  int major = 0, minor = 0;
  std::sscanf(line_at(host, "proc/sys/kernel/osrelease").c_str(), "%d.%d", &major, &minor);
  if (major > 5 || (major == 5 && minor >= 11)) return fine("not used for BPF since Linux 5.11");
  const auto limit = value_at(host, "proc/self/limits", "Max locked memory");
  if (limit.empty())
    return cannot_tell("/proc/self/limits does not say", as_root(host, "vmflow doctor"));
  if (limit.starts_with("unlimited")) return fine("unlimited");
  return degraded("BPF maps count as locked memory on this kernel, and it is limited",
                  "ulimit -l unlimited");
}

// Of the last mount only: those before it are hidden.
CheckFinding look_at_hidepid(const DoctorHost& host) {
  const auto mounts = text_at(host, "proc/self/mounts");
  auto at = mounts.find(" /proc proc ");
  if (at == std::string::npos)
    return cannot_tell("/proc/self/mounts does not list /proc",
                       as_root(host, "mount -t proc proc /proc"));
  const auto options = mounts.substr(at, mounts.find('\n', at) - at);
  if (options.find("hidepid=") == std::string::npos ||
      options.find("hidepid=0") != std::string::npos ||
      options.find("hidepid=off") != std::string::npos)
    return fine("every process is seen");
  return degraded("mounted with hidepid: who is not root does not see the VMs' processes",
                  as_root(host, "mount -o remount,hidepid=0 /proc"));
}

CheckFinding look_at_tracefs(const DoctorHost& host) {
  const auto mounts = text_at(host, "proc/self/mounts");
  for (const auto* place : {" /sys/kernel/tracing tracefs ", " /sys/kernel/debug/tracing tracefs "})
    if (mounts.find(place) != std::string::npos) return fine("mounted");
  return degraded("not mounted", as_root(host, "mount -t tracefs tracefs /sys/kernel/tracing"));
}

}  // namespace

std::vector<Check> kernel_checks() {
  return {
      {"kernel_release", "kernel", "kernel", "Older kernels cannot run vmflow's programs.",
       Need::required, look_at_release},
      {"btf", "kernel", "BTF", "vmflow finds the kernel's fields by their types.", Need::required,
       look_at_btf},
      {"kvm_btf", "kernel", "BTF of KVM", "vmflow finds KVM's fields by their types.", Need::useful,
       look_at_module_btf},
      {"bpf", "kernel", "BPF", "vmflow's ledger is kept by BPF programs.", Need::required,
       look_at_bpf},
      {"tracepoints", "kernel", "tracepoints", "What a tracepoint would tell stays unknown.",
       Need::required, look_at_tracepoints},
      {"lockdown", "kernel", "lockdown", "A locked-down kernel lets no BPF program read it.",
       Need::required, look_at_lockdown},
      {"rights", "kernel", "rights", "Attaching programs needs CAP_BPF and CAP_PERFMON.",
       Need::required, look_at_rights},
      {"addresses", "kernel", "addresses",
       "Without the addresses of kernel symbols waits that interrupts ended are unknown.",
       Need::useful, look_at_addresses},
      {"memory_lock", "kernel", "locked memory", "Maps that do not fit are not made.", Need::useful,
       look_at_memory_lock},
      {"hidepid", "kernel", "/proc", "VMs have no names where their processes are hidden.",
       Need::useful, look_at_hidepid},
      {"tracefs", "kernel", "tracefs",
       "Exit codes are checked against the tracepoint's own record, whose number stands there.",
       Need::useful, look_at_tracefs},
  };
}

}  // namespace vmflow
