// SPDX-License-Identifier: GPL-2.0-only
// vmflow doctor: what the host offers beside KVM: clocks, accounting, room.
#include <fmt/format.h>

#include "agent/cli/doctor_look.h"

namespace vmflow {
namespace {

constexpr std::string_view kClock = "sys/devices/system/clocksource/clocksource0/";

CheckFinding look_at_clock(const DoctorHost& host) {
  const auto current = line_at(host, std::string(kClock) + "current_clocksource");
  const auto offered = line_at(host, std::string(kClock) + "available_clocksource");
  if (current.empty())
    return cannot_tell("sysfs does not say", as_root(host, "mount -t sysfs sysfs /sys"));
  // These are read without leaving the CPU.
  if (current == "tsc" || current == "kvm-clock" || current.starts_with("hyperv_clocksource"))
    return fine(current);
  const auto found = current + ": each event reads the clock, and this one is slow";
  if (has_word(offered, "tsc"))
    return degraded(
        found, line_as_root(host, "echo tsc > /" + std::string(kClock) + "current_clocksource"));
  return degraded(found, boot_with(host, "tsc=reliable"));
}

CheckFinding look_at_time(const DoctorHost& host) {
  if (!host.clock_is_synchronised)
    return cannot_tell("the kernel does not say", as_root(host, "timedatectl set-ntp true"));
  if (*host.clock_is_synchronised) return fine("synchronised");
  if (is_command_there(host, "chronyd"))
    return degraded("not synchronised", as_root(host, "chronyc makestep"));
  return degraded("not synchronised", install(host, "chrony"));
}

CheckFinding look_at_schedstats(const DoctorHost& host) {
  const auto on = number_at(host, "proc/sys/kernel/sched_schedstats");
  if (!on) return cannot_tell("this kernel has no schedstats", "");
  if (*on != 0) return fine("on");
  return degraded("off", as_root(host, "sysctl -w kernel.sched_schedstats=1"));
}

CheckFinding look_at_delays(const DoctorHost& host) {
  const auto on = number_at(host, "proc/sys/kernel/task_delayacct");
  if (!on) return cannot_tell("this kernel does not say", "");
  if (*on != 0) return fine("on");
  return degraded("off", as_root(host, "sysctl -w kernel.task_delayacct=1"));
}

// A kernel that has it but was told not to (psi=0) has the files, and they cannot be read.
CheckFinding look_at_pressure(const DoctorHost& host) {
  if (!line_at(host, "proc/pressure/cpu").empty()) return fine("/proc/pressure");
  return degraded("off", boot_with(host, "psi=1"));
}

CheckFinding look_at_cgroups(const DoctorHost& host) {
  if (is_there(host, "sys/fs/cgroup/cgroup.controllers")) return fine("v2");
  if (is_there(host, "sys/fs/cgroup/unified") || is_there(host, "sys/fs/cgroup/cpu"))
    return degraded("v1", boot_with(host, "systemd.unified_cgroup_hierarchy=1"));
  return degraded("not mounted", as_root(host, "mount -t cgroup2 cgroup2 /sys/fs/cgroup"));
}

CheckFinding look_at_room(const DoctorHost& host) {
  const auto found = fmt::format("{} CPUs, room for {} vCPUs", host.cpus, host.max_vcpus);
  if (host.cpus <= host.max_vcpus) return fine(found);
  return degraded(found,
                  fmt::format("{} --max-vcpus {} --config.check", host.vmflowd, host.cpus * 8));
}

CheckFinding look_at_snapshots(const DoctorHost& host) {
  const auto& place = host.snapshots;
  constexpr double kMib = 1 << 20;
  if (!place.free_bytes)
    return cannot_tell(place.folder + ": its file system does not answer",
                       "df " + shell_word(place.folder));
  const auto free = static_cast<double>(*place.free_bytes) / kMib;
  const auto least = static_cast<double>(place.least_free_bytes) / kMib;
  const auto found = fmt::format("{}: {:.0f} MiB free", place.folder, free);
  const auto largest = as_root(host, "du -xh --max-depth=3 / | sort -h | tail -n 20");
  if (*place.free_bytes < place.least_free_bytes)
    return missing(
        fmt::format("{}; below {:.0f} MiB (--trace.min-free-mib) nothing is kept", found, least),
        largest);
  if (*place.free_bytes - place.least_free_bytes < place.most_bytes)
    return degraded(
        fmt::format("{}: less than the quota of {:.0f} MiB and {:.0f} MiB to leave free", found,
                    static_cast<double>(place.most_bytes) / kMib, least),
        largest);
  return fine(found);
}

CheckFinding look_at_libvirt(const DoctorHost& host) {
  for (const auto* socket :
       {"run/libvirt/virtqemud-sock-ro", "run/libvirt/libvirt-sock-ro", "run/libvirt/libvirt-sock"})
    if (is_there(host, socket)) return fine(std::string("/") + socket);
  return fine("not here, and not needed: names come from command lines");
}

CheckFinding look_at_rules(const DoctorHost& host) {
  if (is_there(host, "etc/prometheus/prometheus.yml") && !is_command_there(host, "promtool"))
    return degraded("Prometheus is set up here, without promtool", install(host, "prometheus"));
  if (is_there(host, "usr/share/vmflow/alerts/alerts.yml")) return fine("/usr/share/vmflow/alerts");
  return fine("not installed here; Prometheus' host needs them");
}

}  // namespace

std::vector<Check> host_checks() {
  return {
      {"clock_source", "host", "clock", "Every event costs two reads of it.", Need::useful,
       look_at_clock},
      {"snapshot_space", "host", "snapshots",
       "Without room, what led to an incident is not kept, or not for long.", Need::useful,
       look_at_snapshots},
      {"room", "host", "room", "vCPUs beyond it are not followed.", Need::useful, look_at_room},
      {"time", "host", "time of day", "Reports of several hosts are put on one clock.",
       Need::advice, look_at_time},
      {"schedstats", "host", "schedstats",
       "A second source to hold vmflow's ready time against; vmflow itself does not need it.",
       Need::advice, look_at_schedstats},
      {"delay_accounting", "host", "delay account",
       "A second source for what threads of a VMM wait for; vmflow itself does not need it.",
       Need::advice, look_at_delays},
      {"pressure", "host", "PSI",
       "Says how much the whole host lacks CPU, memory or disk, beside vmflow.", Need::advice,
       look_at_pressure},
      {"cgroups", "host", "cgroups", "Quotas and pressure of one VM are readable in v2 alone.",
       Need::advice, look_at_cgroups},
      {"libvirt", "host", "libvirt", "VMs are known by name.", Need::advice, look_at_libvirt},
      {"rules", "host", "rules", "Prometheus' alerts about VMs.", Need::advice, look_at_rules},
  };
}

}  // namespace vmflow
