// SPDX-License-Identifier: GPL-2.0-only
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "agent/cli/doctor_metrics.h"
#include "analysis/metric_catalog.h"
#include "doctor_tree.h"

namespace vmflow {
namespace {

/// What is wrong, and what is then said.
struct Case {
  const char* id;
  std::function<void(DoctorTree&)> change;
  Health health;
  const char* remedy;
};

void lines(DoctorTree& tree, std::vector<std::string> more) {
  for (auto& line : more) tree.host.agent->lines.push_back(std::move(line));
}

const std::vector<Case> kCases = {
    {"kernel_release", [](auto& t) { t.write("proc/sys/kernel/osrelease", "4.19.0\n"); },
     Health::missing, "apt-get install linux-image-amd64"},
    {"kernel_release", [](auto& t) { t.remove("proc/sys/kernel/osrelease"); }, Health::unknown,
     "mount -t proc proc /proc"},
    {"btf", [](auto& t) { t.remove("sys/kernel/btf/vmlinux"); }, Health::missing,
     "apt-get install linux-image-amd64"},
    {"kvm_btf", [](auto& t) { t.remove("sys/kernel/btf/kvm_amd"); }, Health::missing,
     "apt-get install linux-image-amd64"},
    {"kvm_btf", [](auto& t) { t.without_kvm(); }, Health::unknown, ""},
    {"bpf", [](auto& t) { t.remove("proc/sys/kernel/unprivileged_bpf_disabled"); }, Health::missing,
     "apt-get install linux-image-amd64"},
    {"tracepoints", [](auto& t) { t.host.kernel = failure("no sched_switch"); }, Health::missing,
     "apt-get install linux-image-amd64"},
    {"tracepoints", [](auto& t) { t.host.kernel->missing_tracepoints = {"kvm_fpu"}; },
     Health::degraded, "apt-get install linux-image-amd64"},
    {"lockdown",
     [](auto& t) { t.write("sys/kernel/security/lockdown", "none integrity [confidentiality]\n"); },
     Health::missing,
     "sed -i 's/lockdown=confidentiality/lockdown=integrity/' /etc/default/grub && update-grub"},
    {"lockdown",
     [](auto& t) { t.write("sys/kernel/security/lockdown", "none [integrity] confidentiality\n"); },
     Health::ok, ""},
    {"lockdown",
     [](auto& t) {
       t.remove("sys/kernel/security");
       t.host.agent->is_ready = false;
     },
     Health::degraded, "mount -t securityfs securityfs /sys/kernel/security"},
    {"rights",
     [](auto& t) {
       t.as_user();
       t.host.agent->is_ready = false;
       t.host.may_load_programs = failure("not permitted");
     },
     Health::unknown, "sudo vmflow doctor"},
    {"rights",
     [](auto& t) {
       t.host.agent.reset();
       t.host.may_load_programs = failure("not permitted");
     },
     Health::missing, "capsh --print"},
    {"rights", [](auto& t) { t.host.may_load_programs = failure("not permitted"); }, Health::ok,
     ""},
    {"addresses", [](auto& t) { t.write("proc/sys/kernel/kptr_restrict", "2\n"); },
     Health::degraded, "sysctl -w kernel.kptr_restrict=1"},
    {"addresses", [](auto& t) { t.write("proc/sys/kernel/kptr_restrict", "1\n"); }, Health::ok, ""},
    {"addresses",
     [](auto& t) {
       t.write("proc/sys/kernel/kptr_restrict", "1\n");
       t.write("usr/lib/systemd/system/vmflowd.service", "");
     },
     Health::degraded, "sysctl -w kernel.kptr_restrict=0 kernel.perf_event_paranoid=1"},
    {"addresses", [](auto& t) { t.remove("proc/sys/kernel/kptr_restrict"); }, Health::unknown,
     "vmflow doctor"},
    {"memory_lock", [](auto& t) { t.write("proc/sys/kernel/osrelease", "5.10.0\n"); },
     Health::degraded, "ulimit -l unlimited"},
    {"hidepid", [](auto& t) { t.write("proc/self/mounts", "proc /proc proc rw,hidepid=2 0 0\n"); },
     Health::degraded, "mount -o remount,hidepid=0 /proc"},
    {"hidepid", [](auto& t) { t.remove("proc/self/mounts"); }, Health::unknown,
     "mount -t proc proc /proc"},
    {"tracefs", [](auto& t) { t.write("proc/self/mounts", "proc /proc proc rw 0 0\n"); },
     Health::degraded, "mount -t tracefs tracefs /sys/kernel/tracing"},
    {"cpu",
     [](auto& t) {
       t.without_kvm();
       t.write("proc/cpuinfo", "flags\t: fpu svmx\n");
     },
     Health::missing, "systemctl reboot --firmware-setup"},
    {"kvm", [](auto& t) { t.without_kvm(); }, Health::missing, "modprobe kvm_amd"},
    {"kvm",
     [](auto& t) {
       t.without_kvm();
       t.write("proc/cpuinfo", "flags\t: fpu vmx\n");
     },
     Health::missing, "modprobe kvm_intel"},
    {"kvm",
     [](auto& t) {
       t.without_kvm();
       t.write("sys/module/kvm_pvm/initstate", "live\n");
     },
     Health::degraded, "modprobe kvm_amd"},
    {"nested", [](auto& t) { t.host.kernel->sees_nested = false; }, Health::degraded,
     "apt-get install linux-image-amd64"},
    {"nested", [](auto& t) { t.write("sys/module/kvm_amd/parameters/nested", "N\n"); }, Health::ok,
     ""},
    {"kvm_device", [](auto& t) { t.remove("dev/kvm"); }, Health::missing,
     "mknod -m 660 /dev/kvm c 10 232"},
    {"clock_source",
     [](auto& t) {
       t.write("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
       t.write("sys/devices/system/clocksource/clocksource0/available_clocksource", "hpet tsc\n");
     },
     Health::degraded,
     "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource"},
    {"clock_source",
     [](auto& t) {
       t.write("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
     },
     Health::degraded,
     "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&tsc=reliable /' /etc/default/grub && update-grub"},
    {"snapshot_space", [](auto& t) { t.host.snapshots.free_bytes = 1000; }, Health::missing,
     "du -xh --max-depth=3 / | sort -h | tail -n 20"},
    {"snapshot_space", [](auto& t) { t.host.snapshots.free_bytes = (2 << 20) - 1; },
     Health::degraded, "du -xh --max-depth=3 / | sort -h | tail -n 20"},
    {"snapshot_space",
     [](auto& t) {
       t.host.snapshots.folder = "/it's";
       t.host.snapshots.free_bytes.reset();
     },
     Health::unknown, "df '/it'\\''s'"},
    {"time", [](auto& t) { t.host.clock_is_synchronised = false; }, Health::degraded,
     "apt-get install chrony"},
    {"schedstats", [](auto& t) { t.write("proc/sys/kernel/sched_schedstats", "0\n"); },
     Health::degraded, "sysctl -w kernel.sched_schedstats=1"},
    {"delay_accounting", [](auto& t) { t.write("proc/sys/kernel/task_delayacct", "0\n"); },
     Health::degraded, "sysctl -w kernel.task_delayacct=1"},
    {"pressure", [](auto& t) { t.remove("proc/pressure"); }, Health::degraded,
     "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&psi=1 /' /etc/default/grub && update-grub"},
    {"cgroups", [](auto& t) { t.remove("sys/fs/cgroup/cgroup.controllers"); }, Health::degraded,
     "mount -t cgroup2 cgroup2 /sys/fs/cgroup"},
    {"ctf_plugin", [](auto& t) { t.host.ctf_plugin = failure("no plugin"); }, Health::missing,
     "apt-get install libbabeltrace2-0"},
    {"lttng_daemon", [](auto& t) { t.host.lttng = failure("none runs"); }, Health::missing,
     "lttng-sessiond --daemonize"},
    {"lttng_daemon",
     [](auto& t) {
       t.host.lttng = failure("none runs");
       t.write("run/systemd/system/x", "");
     },
     Health::missing, "systemctl restart lttng-sessiond"},
    {"lttng_daemon",
     [](auto& t) {
       t.host.lttng = failure("none runs");
       t.remove("usr/bin/lttng-sessiond");
     },
     Health::missing, "apt-get install lttng-tools"},
    {"lttng_daemon",
     [](auto& t) {
       t.as_user();
       t.host.lttng = failure("none runs");
       t.write("run/lttng/client-lttng-sessiond", "");
     },
     Health::unknown, "sudo vmflow doctor"},
    {"lttng_group",
     [](auto& t) {
       t.as_user();
       t.write("etc/group", "tracing:x:117:\n");
     },
     Health::degraded, "sudo usermod -aG tracing \"$USER\""},
    {"lttng_group",
     [](auto& t) {
       t.as_user();
       t.write("etc/group", "tracing:x:100:\n");
     },
     Health::ok, ""},
    {"lttng_modules", [](auto& t) { t.remove("sys/module/lttng_tracer"); }, Health::missing,
     "apt-get install lttng-modules-dkms"},
    {"lttng_modules",
     [](auto& t) {
       t.remove("sys/module/lttng_tracer");
       t.write("lib/modules/6.1.0-48-amd64/modules.dep", "extra/lttng-tracer.ko:\n");
     },
     Health::missing, "modprobe lttng-tracer"},
    {"lttng_probes", [](auto& t) { t.remove("sys/module/lttng_probe_kvm_x86"); }, Health::degraded,
     "modprobe -a lttng-probe-kvm-x86"},
    {"settings", [](auto& t) { t.host.settings = failure("unknown key"); }, Health::missing,
     "${EDITOR:-vi} /etc/vmflow/vmflowd.json"},
    {"settings", [](auto& t) { t.host.settings_are_readable = false; }, Health::ok, ""},
    {"settings",
     [](auto& t) {
       t.host.agent->problem = "no answer";
       t.host.settings_are_readable = false;
     },
     Health::unknown, "sudo vmflow doctor"},
    {"agent", [](auto& t) { t.host.agent->problem = "no answer"; }, Health::missing, "vmflowd &"},
    {"agent_attached", [](auto& t) { t.host.agent->is_ready = false; }, Health::missing,
     "vmflowd &"},
    {"agent_attached", [](auto& t) { t.host.agent->problem = "no answer"; }, Health::unknown, ""},
    {"agent_version", [](auto& t) { t.host.agent->lines[0] = DoctorTree::build("0.0.9"); },
     Health::degraded, "vmflowd &"},
    {"agent_version", [](auto& t) { t.host.agent->lines.clear(); }, Health::unknown, "vmflowd &"},
    {"agent_collectors",
     [](auto& t) { lines(t, {"vmflow_scrape_collector_success{collector=\"threads\"} 0"}); },
     Health::degraded, "vmflowd &"},
    {"agent_recorders",
     [](auto& t) { t.host.agent->lines[4] = "vmflow_trace_backend_available{backend=\"ring\"} 0"; },
     Health::degraded, "vmflowd &"},
    {"agent_detail",
     [](auto& t) {
       lines(t, {"vmflow_detail_given_up{detail=\"recorder\"} 1",
                 "vmflow_detail_given_up{detail=\"devices\"} 0"});
     },
     Health::degraded, "vmflow top"},
    {"agent_losses",
     [](auto& t) {
       lines(t, {"vmflow_events_dropped_total{source=\"bpf\",reason=\"unreadable\"} 2"});
     },
     Health::degraded, "vmflowd &"},
    {"agent_anomalies",
     [](auto& t) { lines(t, {"vmflow_ledger_anomalies_total{anomaly=\"missed_event\"} 1"}); },
     Health::degraded, "vmflowd &"},
};

TEST(DoctorChecks, read_metrics_that_an_agent_has) {
  const auto catalog = metric_catalog();
  for (const auto name : kDoctorMetrics)
    EXPECT_NE(std::ranges::find(catalog, name, &Metric::name), catalog.end()) << name;
}

TEST(DoctorChecks, a_host_on_which_all_is_well_has_nothing_to_mend) {
  const DoctorTree tree;
  std::set<std::string_view> ids;
  for (const auto& [check, finding] : examine(tree.host)) {
    EXPECT_EQ(finding.health, Health::ok) << check->id << ": " << finding.found;
    EXPECT_EQ(finding.remedy, "") << check->id;
    EXPECT_TRUE(ids.insert(check->id).second) << check->id << " is there twice";
  }
  EXPECT_TRUE(is_fit(examine(tree.host)));
}

TEST(DoctorChecks, each_thing_that_is_wrong_has_its_state_and_its_remedy) {
  for (const auto& [id, change, health, remedy] : kCases) {
    DoctorTree tree;
    change(tree);
    const auto finding = tree.look(id);
    EXPECT_EQ(finding.health, health) << id << ": " << finding.found;
    EXPECT_EQ(finding.remedy, remedy) << id << ": " << finding.found;
    EXPECT_FALSE(finding.found.empty()) << id;
  }
}

TEST(DoctorChecks, a_host_of_which_nothing_can_be_read_is_not_fit_and_breaks_nothing) {
  DoctorTree tree;
  tree.host.root /= "nothing";
  for (const auto& [check, finding] : examine(tree.host)) EXPECT_FALSE(finding.found.empty());
  EXPECT_FALSE(is_fit(examine(tree.host)));
}

TEST(DoctorChecks, only_what_is_required_decides_whether_a_host_is_fit) {
  DoctorTree tree;
  tree.host.lttng = failure("none runs");
  tree.write("proc/sys/kernel/sched_schedstats", "0\n");
  EXPECT_TRUE(is_fit(examine(tree.host)));
  tree.without_kvm();
  EXPECT_FALSE(is_fit(examine(tree.host)));
}

TEST(DoctorChecks, without_the_agent_a_host_can_be_fit_for_it) {
  DoctorTree tree;
  tree.host.agent.reset();
  EXPECT_TRUE(is_fit(examine(tree.host)));
}

TEST(DoctorChecks, who_is_not_root_gets_sudo) {
  DoctorTree tree;
  tree.as_user();
  tree.without_kvm();
  EXPECT_EQ(tree.look("kvm").remedy, "sudo modprobe kvm_amd");
  tree.remove("proc/pressure");
  EXPECT_EQ(tree.look("pressure").remedy,
            "sudo sh -c 'sed -i '\\''s/^GRUB_CMDLINE_LINUX=\"/&psi=1 /'\\'' /etc/default/grub && "
            "update-grub'");
}

TEST(DoctorChecks, it_says_that_kvm_stays_loaded_while_the_agent_is_attached) {
  const DoctorTree tree;
  EXPECT_EQ(tree.look("kvm_in_use").found,
            "vmflowd is attached: the module kvm cannot be unloaded until it ends");
}

}  // namespace
}  // namespace vmflow
