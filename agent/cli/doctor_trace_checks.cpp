// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: LTTng's flight recorder, which vmflowd uses beside its own ring where it is there.
#include <fmt/format.h>

#include "agent/cli/doctor_look.h"

namespace vmflow {
namespace {

std::string start_daemon(const DoctorHost& host) {
  return as_root(
      host, runs_systemd(host) ? "systemctl restart lttng-sessiond" : "lttng-sessiond --daemonize");
}

CheckFinding look_at_daemon(const DoctorHost& host) {
  if (host.lttng) return fine("lttng-sessiond answers");
  const auto& problem = host.lttng.error().message;
  if (!is_command_there(host, "lttng-sessiond"))
    return missing("not installed: vmflowd records with its own ring alone",
                   install(host, "lttng-tools"));
  // Whoever is not of the group is told the same as if none ran.
  if (!caller_is_root(host) && is_there(host, "run/lttng/client-lttng-sessiond"))
    return cannot_tell("root's lttng-sessiond does not answer this user", "sudo vmflow doctor");
  return missing(problem, start_daemon(host));
}

CheckFinding look_at_group(const DoctorHost& host) {
  if (caller_is_root(host)) return fine("root needs no group");
  const auto line = value_at(host, "etc/group", "tracing:");
  if (line.empty()) return cannot_tell("there is no group 'tracing'", install(host, "lttng-tools"));
  // "x:GID:USERS", and the caller's groups as numbers
  const auto begin = line.find(':');
  const auto gid = begin == std::string::npos
                       ? ""
                       : line.substr(begin + 1, line.find(':', begin + 1) - begin - 1);
  if (!gid.empty() && has_word(value_at(host, "proc/self/status", "Groups:"), gid))
    return fine("this user is of group 'tracing'");
  return degraded("this user is not of group 'tracing'", "sudo usermod -aG tracing \"$USER\"");
}

bool modules_are_installed(const DoctorHost& host) {
  const auto release = line_at(host, "proc/sys/kernel/osrelease");
  for (const auto* folder : {"lib/modules/", "usr/lib/modules/"})
    if (text_at(host, folder + release + "/modules.dep").find("lttng-tracer.ko") !=
        std::string::npos)
      return true;
  return false;
}

CheckFinding look_at_tracer(const DoctorHost& host) {
  if (is_there(host, "sys/module/lttng_tracer")) {
    const auto version = line_at(host, "sys/module/lttng_tracer/version");
    return fine(version.empty() ? "loaded" : "loaded, version " + version);
  }
  if (!modules_are_installed(host))
    return missing("no lttng-tracer for this kernel", install(host, "lttng-modules-dkms"));
  return missing("installed, not loaded", as_root(host, "modprobe lttng-tracer"));
}

CheckFinding look_at_probes(const DoctorHost& host) {
  if (!is_there(host, "sys/module/lttng_tracer"))
    return cannot_tell("the tracer is not loaded", "");
  std::string lacking;
  for (const auto* probe : {"sched", "irq", "kvm", "kvm_x86"})
    if (!is_there(host, fmt::format("sys/module/lttng_probe_{}", probe)))
      lacking += fmt::format(" lttng-probe-{}", probe);
  for (auto& c : lacking) c = c == '_' ? '-' : c;
  if (lacking.empty()) return fine("sched, irq, kvm, kvm-x86");
  return degraded("not loaded:" + lacking, as_root(host, "modprobe -a" + lacking));
}

CheckFinding look_at_reader(const DoctorHost& host) {
  if (host.ctf_plugin) return fine("libbabeltrace2 reads CTF");
  return missing(host.ctf_plugin.error().message, install(host, "libbabeltrace2-0"));
}

}  // namespace

std::vector<Check> trace_checks() {
  return {
      {"ctf_plugin", "traces", "CTF", "No snapshot can be analysed.", Need::useful, look_at_reader},
      {"lttng_daemon", "traces", "LTTng", "Traces do not follow the host's own threads.",
       Need::useful, look_at_daemon},
      {"lttng_group", "traces", "group tracing", "Only root and this group reach root's LTTng.",
       Need::advice, look_at_group},
      {"lttng_modules", "traces", "LTTng modules", "LTTng does not see the kernel.", Need::useful,
       look_at_tracer},
      {"lttng_probes", "traces", "LTTng probes", "Their events are missing in traces.",
       Need::useful, look_at_probes},
  };
}

}  // namespace vmflow
