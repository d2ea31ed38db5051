// SPDX-License-Identifier: GPL-2.0-only
// A made-up host for the checks of vmflow doctor.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "agent/cli/doctor_check.h"
#include "agent/version.h"
#include "temporary_folder.h"

namespace vmflow {

/// Everything is well on it; a test takes away or changes what it is about.
class DoctorTree {
 public:
  DoctorTree() {
    host.root = folder_.path();
    write("proc/self/status", "Name:\tvmflow\nUid:\t0\t0\t0\t0\nGroups:\t0 \n");
    write("proc/self/mounts",
          "proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n");
    write("proc/self/limits", "Max locked memory         8388608   8388608   bytes\n");
    write("proc/sys/kernel/osrelease", "6.1.0-48-amd64\n");
    for (const auto* one : {"sched_schedstats", "task_delayacct", "unprivileged_bpf_disabled"})
      write(std::string("proc/sys/kernel/") + one, "1\n");
    write("proc/sys/kernel/kptr_restrict", "0\n");
    write("proc/sys/kernel/perf_event_paranoid", "1\n");
    write("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm npt\n");
    write("proc/pressure/cpu", "some avg10=0.00\n");
    write("sys/kernel/btf/vmlinux", "");
    write("sys/kernel/security/lsm", "lockdown\n");
    write("sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    for (const auto* module : {"kvm", "kvm_amd"}) {
      write(std::string("sys/module/") + module + "/initstate", "live\n");
      write(std::string("sys/kernel/btf/") + module, "");
    }
    write("sys/module/kvm_amd/parameters/nested", "1\n");
    write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    write("sys/fs/cgroup/cgroup.controllers", "cpu\n");
    write("sys/module/lttng_tracer/version", "2.13.9\n");
    for (const auto* probe : {"sched", "irq", "kvm", "kvm_x86"})
      write(std::string("sys/module/lttng_probe_") + probe + "/initstate", "live\n");
    write("dev/kvm", "");
    for (const auto* program : {"apt-get", "lttng-sessiond", "promtool"})
      write(std::string("usr/bin/") + program, "");
    host.agent_url = "http://127.0.0.1:9752";
    host.agent = AgentWords{"",
                            true,
                            {build(kVersion), "vmflow_vms 3", "vmflow_kvm_entries_missing 0",
                             "vmflow_scrape_collector_success{collector=\"bpf\"} 1",
                             "vmflow_trace_backend_available{backend=\"ring\"} 1"}};
    host.kernel = KernelSupport{};
    host.kernel->sees_nested = true;
    host.snapshots = {"/var/lib/vmflow/snapshots", 1 << 20, 1 << 20, 1 << 30};
    host.max_vcpus = 4096;
    host.cpus = 8;
    host.clock_is_synchronised = true;
  }

  static std::string build(const std::string& version) {
    return "vmflow_build_info{version=\"" + version + "\",revision=\"" + kRevision + "\"} 1";
  }

  void write(const std::string& path, const std::string& text) {
    const auto file = host.root / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  void remove(const std::string& path) { std::filesystem::remove_all(host.root / path); }
  void as_user() { write("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\nGroups:\t100 \n"); }
  void without_kvm() {
    for (const auto* path : {"sys/module/kvm", "sys/module/kvm_amd", "dev/kvm"}) remove(path);
  }

  CheckFinding look(const std::string& id) const {
    for (const auto& result : examine(host))
      if (result.check->id == id) return result.finding;
    throw std::runtime_error("no check " + id);
  }

  DoctorHost host;

 private:
  test::TemporaryFolder folder_;
};

}  // namespace vmflow
