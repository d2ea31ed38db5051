// SPDX-License-Identifier: GPL-2.0-only
// Label lab: Debian's libvirtd with a real domain, which then freezes, dies and comes back.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "attempts.h"
#include "figure.h"
#include "guest.h"
#include "libvirt_host.h"
#include "linux_guest.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

const std::string kUuid = "2f6a8a1e-7c3b-4f3a-9d55-0c8e6a1b2c3d";
const std::string kName = "shop_web-1";
const std::string kConsole = "/run/console";
constexpr int kTicks = 211;
constexpr int kScrapes = 120;
constexpr double kMostToStop = 3;  // seconds

/// A Linux guest that ticks 211 times and says so on its console.
std::string domain_xml() {
  return R"(<domain type='kvm'>
  <name>)" +
         kName + R"(</name>
  <uuid>)" +
         kUuid + R"(</uuid>
  <title>Shop "front"\</title>
  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
      <nova:name>shop</nova:name>
      <nova:flavor name="m1.small"><nova:memory>128</nova:memory></nova:flavor>
      <nova:owner><nova:user uuid="1">ann</nova:user><nova:project uuid="2">webshop</nova:project></nova:owner>
    </nova:instance>
    <kubevirt xmlns="http://kubevirt.io"><uid>c3c1a1f4-6b43-4a3c-8e57-6a5d9c1b7e21</uid></kubevirt>
  </metadata>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>)" +
         linux_guest_kernel() + R"(</kernel>
    <initrd>)" +
         linux_guest_initrd() + R"(</initrd>
    <cmdline>console=ttyS0 quiet mitigations=off tsc=reliable panic=-1 cpuidle_haltpoll.force=1 work=timer,count=)" +
         std::to_string(kTicks) + R"(</cmdline>
  </os>
  <features><acpi/><apic eoi='off'/></features>
  <cpu mode='host-passthrough'/>
  <on_reboot>destroy</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <serial type='file'><source path=')" +
         kConsole + R"('/><target port='0'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>)";
}

std::string console() {
  std::ostringstream text;
  text << std::ifstream(kConsole).rdbuf();
  return text.str();
}

/// Errors: throws if it does not come within `most` seconds.
template <typename Condition>
void wait_until(const char* what, double most, Condition condition) {
  const Stopwatch watch;
  while (!condition()) {
    if (watch.seconds() > most) throw std::runtime_error(std::string("never: ") + what);
    usleep(200'000);
  }
}

/// Milliseconds of the middle one of many scrapes, `every_ms` from one to the next. On each page a
/// process is told once.
double median_scrape_ms(PageReader& reader, useconds_t every_ms = 0) {
  std::vector<double> took;
  for (int i = 0; i < kScrapes; i++) {
    const Stopwatch watch;
    const auto page = reader.read();
    took.push_back(watch.seconds() * 1e3);
    std::map<std::string, int> told;
    for (const auto& info : page.find("vmflow_vm_info")) told[info.labels.at("pid")]++;
    for (const auto& [pid, times] : told) EXPECT_EQ(times, 1) << pid;
    usleep(every_ms * 1000);
  }
  std::ranges::nth_element(took, took.begin() + kScrapes / 2);
  return took[kScrapes / 2];
}

bool is_answered(const Page& page) {
  return page.sum("vmflow_libvirt_success") == 1;
}
double age(const Page& page) {
  return page.sum("vmflow_libvirt_answer_age_seconds");
}
double errors(const Page& page, const std::string& reason) {
  return page.sum("vmflow_libvirt_errors_total", {{"reason", reason}});
}

/// libvirtd, the domain, an agent that was there before both, and its reader.
class Libvirt : public testing::Test {
 protected:
  void SetUp() override {
    agent_.wait_until_ready();
    EXPECT_FALSE(agent_.scrape().has("vmflow_libvirt_success")) << "asked, though it is not there";
    host_.start();
    std::ofstream("/run/domain.xml") << domain_xml();
    attempts(3, [&] {
      std::filesystem::remove(kConsole);
      if (LibvirtHost::pid_of(kName) != 0) run({"virsh", "-c", "qemu:///system", "destroy", kName});
      LibvirtHost::virsh({"create", "/run/domain.xml"});
      starts_++;  // libvirt numbers them
      // An emulated guest may fall silent: then another one is started.
      wait_until("the domain's guest has ended its work", 40,
                 [&] { return console().find("truths end") != std::string::npos; });
    });
    pid_ = LibvirtHost::pid_of(kName);
  }

  Labels info(const Page& page) {
    const auto found = page.find("vmflow_vm_info", {{"pid", std::to_string(pid_)}});
    return found.size() == 1 ? found[0].labels : Labels{};
  }

  void expect_names(const Page& page) {
    const auto labels = info(page);
    const Labels expected = {{"vm", kUuid},
                             {"name", kName},
                             {"uuid", kUuid},
                             {"vmm", "qemu"},
                             {"pid", std::to_string(pid_)},
                             {"title", "Shop \"front\"\\"},
                             {"openstack_name", "shop"},
                             {"openstack_project", "webshop"},
                             {"openstack_user", "ann"},
                             {"openstack_flavor", "m1.small"},
                             {"kubevirt_namespace", "shop"},
                             {"kubevirt_name", "web-1"},
                             {"kubevirt_uid", "c3c1a1f4-6b43-4a3c-8e57-6a5d9c1b7e21"},
                             // As systemd-machined takes it: without underscore.
                             {"machine", "qemu-" + std::to_string(starts_) + "-shopweb-1"}};
    EXPECT_EQ(labels, expected);
  }

  /// Seconds that it takes an agent to end.
  static double seconds_to_stop(AgentProcess& agent) {
    const Stopwatch watch;
    const auto finished = agent.stop();
    EXPECT_EQ(finished.status, 0) << finished.err;
    return watch.seconds();
  }

  AgentProcess agent_{{"--libvirt.interval-seconds", "1"}};
  LibvirtHost host_;
  int pid_ = 0;
  int starts_ = 0;
};

}  // namespace

TEST_F(Libvirt, names_vms_and_when_it_freezes_or_dies_costs_nothing_but_freshness) {
  PageReader reader(agent_.port());
  wait_until("libvirt has told the title", 20,
             [&] { return info(reader.read()).contains("title"); });
  expect_names(reader.read());
  EXPECT_TRUE(is_answered(reader.read()));
  EXPECT_EQ(reader.read().sum("vmflow_libvirt_domains"), 1);

  // Beside it all the time, so that the host has the same to do before and after.
  Guest beside({"pio", "--count", "4001", "--us", "5000", "--mode", "sleep"});
  // The scrapes of the second half come after a question that nobody answers has been given up.
  const double before_ms = median_scrape_ms(reader, 20);
  host_.freeze();
  const double frozen_ms = median_scrape_ms(reader, 80);
  wait_until("it is noticed", 20, [&] { return errors(reader.read(), "no_answer") >= 1; });
  const auto frozen = reader.read();
  figure(
      "scrape, median of {}: {:.2f} ms, with libvirtd frozen {:.2f} ms ({:.2f} x); answer {:.1f} s "
      "old",
      kScrapes, before_ms, frozen_ms, frozen_ms / before_ms, age(frozen));
  EXPECT_LE(frozen_ms, 1.5 * before_ms);
  EXPECT_FALSE(is_answered(frozen));
  EXPECT_GE(age(frozen), 10);
  expect_names(frozen);

  // All other numbers go on.
  beside.truth();
  const auto counted = reader.read();
  EXPECT_EQ(counted.sum("vmflow_vm_userspace_exits_total",
                        {{"vm", counted.vm_of(beside.pid())}, {"reason", "io"}}),
            4001 + 1);  // the end is one
  beside.release();
  const auto hlt = reader.read().sum("vmflow_vm_exits_total", {{"vm", kUuid}, {"reason", "hlt"}});
  figure("the domain slept {} times, {} exits for HLT", kTicks, hlt);
  EXPECT_NE(console().find("truth ticks " + std::to_string(kTicks)), std::string::npos);
  EXPECT_GE(hlt, kTicks);

  // An agent that starts now, and both of them end, while it is frozen.
  {
    AgentProcess late({"--libvirt.interval-seconds", "1"});
    late.wait_until_ready();
    EXPECT_TRUE(late.scrape().has("vmflow_libvirt_success"));
    EXPECT_FALSE(late.scrape().has("vmflow_libvirt_answer_age_seconds"));
    const double took = seconds_to_stop(late);
    figure("an agent that started while libvirtd was frozen ends in {:.2f} s", took);
    EXPECT_LE(took, kMostToStop);
  }
  host_.go_on();
  wait_until("it is back", 30,
             [&] { return is_answered(reader.read()) && age(reader.read()) < 5; });

  {
    // As the service runs: nobody's user, with the two capabilities that BPF needs.
    const auto port = free_port();
    Process nobody({"setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                    "--no-new-privs", "--inh-caps=-all,+bpf,+perfmon",
                    "--ambient-caps=-all,+bpf,+perfmon", "--bounding-set=-all,+bpf,+perfmon",
                    vmflowd_path(), "--web.listen-address", "127.0.0.1:" + std::to_string(port),
                    "--trace.mode", "off", "--libvirt.interval-seconds", "1"});
    PageReader its_reader(port);
    wait_until("nobody is ready", 20, [&] { return its_reader.is_ready(); });
    wait_until("nobody is told", 20, [&] { return info(its_reader.read()).contains("title"); });
    expect_names(its_reader.read());
  }

  host_.kill();
  const double killed_ms = median_scrape_ms(reader, 20);
  wait_until("its end is noticed", 20, [&] { return !is_answered(reader.read()); });
  const auto killed = reader.read();
  figure("with libvirtd killed {:.2f} ms ({:.2f} x); errors: call {}, connect {}, no_answer {}",
         killed_ms, killed_ms / before_ms, errors(killed, "call"), errors(killed, "connect"),
         errors(killed, "no_answer"));
  EXPECT_LE(killed_ms, 1.5 * before_ms);
  EXPECT_GE(errors(killed, "call") + errors(killed, "connect"), 1);
  EXPECT_EQ(errors(killed, "died"), 0);
  expect_names(killed);
  host_.start();
  wait_until("the new one has answered", 60,
             [&] { return is_answered(reader.read()) && age(reader.read()) < 5; });
  expect_names(reader.read());

  host_.freeze();
  usleep(2'000'000);
  const double took = seconds_to_stop(agent_);
  figure("an agent whose question has no answer ends in {:.2f} s", took);
  EXPECT_LE(took, kMostToStop);
  host_.go_on();
  LibvirtHost::virsh({"destroy", kName});
}

}  // namespace vmflow::lab
