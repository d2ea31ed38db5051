// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: a VM that waits for another VM, and what that one waits for in turn,
// seen from their host alone.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <thread>

#include "figure.h"
#include "linux_guest.h"
#include "lttng_daemon.h"
#include "peer.h"
#include "recording_agent.h"
#include "serial_disk.h"

namespace vmflow::lab {
namespace {

/// Two taps of one bridge: what one guest sends the other one gets.
class Bridge {
 public:
  Bridge() {
    load_net_modules();
    must({"modprobe", "bridge"});
    must({"ip", "link", "add", "vmflowbr", "type", "bridge"});
    for (const auto* tap : {"vmflow0", "vmflow1"}) {
      must({"ip", "tuntap", "add", "dev", tap, "mode", "tap"});
      must({"sysctl", "-qw", std::string("net.ipv6.conf.") + tap + ".disable_ipv6=1"});
      must({"ip", "link", "set", tap, "master", "vmflowbr", "up"});
    }
    must({"sysctl", "-qw", "net.ipv6.conf.vmflowbr.disable_ipv6=1"});
    must({"ip", "link", "set", "vmflowbr", "up"});
  }
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;
  ~Bridge() {
    for (const auto* device : {"vmflow0", "vmflow1", "vmflowbr"})
      run({"ip", "link", "del", device});
  }
};

std::vector<std::string> qemu(const std::string& name, const std::string& tap,
                              const std::string& mac) {
  auto arguments = card(tap, "on");
  arguments.back() += ",mac=52:54:00:00:00:" + mac;
  arguments.insert(arguments.end(), {"-name", name + ",debug-threads=on"});
  return arguments;
}

/// The client's critical path.
class Path {
 public:
  explicit Path(Json path) : path_(std::move(path)) {
    figure("{}", path_["sentence"].get<std::string>());
    for (const auto& part : path_["parts"])
      if (part["seconds"].get<double>() > 0.01 * seconds())
        figure("  {:6.3f} s {:>5} times: {} {} {}", part["seconds"].get<double>(),
               part["count"].get<uint64_t>(), part["worker"].get<std::string>(),
               part["what"].get<std::string>(), part.value("by", ""));
  }
  double seconds() const { return path_["seconds"]; }
  /// Time of parts whose worker's name holds `worker`, and who it is behind `by`.
  double of(const std::string& worker, const std::string& what, const std::string& by = "") const {
    double sum = 0;
    for (const auto& part : path_["parts"])
      if (part["what"] == what && holds(part["worker"], worker) && holds(part.value("by", ""), by))
        sum += part["seconds"].get<double>();
    return sum;
  }
  Json longest() const { return path_["parts"][0]; }
  double sum() const {
    double sum = 0;
    for (const auto& part : path_["parts"]) sum += part["seconds"].get<double>();
    return sum;
  }

 private:
  static bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  Json path_;
};

/// Two VMs, one of which asks the other one again and again.
class ClientAndServer {
 public:
  explicit ClientAndServer(const std::string& server_work, std::vector<std::string> drive) {
    auto server = qemu("server", "vmflow1", "01");
    server.insert(server.end(), drive.begin(), drive.end());
    server_.emplace(LinuxGuestSetup{.work = "server,ip=10.78.0.3,count=100000," + server_work,
                                    .qemu = server,
                                    .kernel = kKernel,
                                    .cpus = "1"});
    server_->wait_for("work begins");
    client_.emplace(LinuxGuestSetup{.work = "net,ip=10.78.0.2,peer=10.78.0.3,count=100000",
                                    .qemu = qemu("client", "vmflow0", "02"),
                                    .kernel = kKernel,
                                    .cpus = "0"});
    client_->wait_for("work begins");
  }
  /// What the agent records of some seconds from now on.
  Path path(RecordingAgent& agent) {
    std::this_thread::sleep_for(std::chrono::seconds(kSeconds + 2));
    const auto asked = agent.ask({"--reason", "the client waits", "--wait"});
    if (asked.status != 0) throw std::runtime_error(asked.err);
    const auto folder = agent.folder_of(agent.snapshots()[0]);
    const auto analyzed =
        run({vmflow_path(), "analyze", folder, "--path", "client/vcpu0", "--format", "json"});
    if (analyzed.status != 0) throw std::runtime_error(analyzed.err);
    return Path(Json::parse(analyzed.out)["critical_path"]);
  }

 private:
  static constexpr int kSeconds = 5;
  static constexpr const char* kKernel = "cpuidle_haltpoll.force=1 ipv6.disable=1";
  Bridge bridge_;
  std::optional<LinuxGuest> server_, client_;
};

}  // namespace

TEST(CriticalPath, of_a_client_ends_on_the_disk_of_its_server) {
  LttngDaemon daemon;
  make_serial_disk();
  ClientAndServer vms(
      "", {"-drive", std::string("file=") + kDisk + ",format=raw,if=none,id=disk,cache=none",
           "-device", "virtio-blk-pci,drive=disk"});
  RecordingAgent agent({"--trigger.rules", "none"});
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  const auto path = vms.path(agent);
  EXPECT_NEAR(path.sum(), path.seconds(), 1e-6);
  const double disk = path.of("", "disk");
  figure("{:.1f} % of {:.3f} s are the server's disk", 100 * disk / path.seconds(), path.seconds());
  EXPECT_GE(disk, 0.5 * path.seconds());
  EXPECT_EQ(path.longest()["what"], "disk");
}

TEST(CriticalPath, of_a_client_ends_on_what_takes_the_cpu_of_its_server) {
  LttngDaemon daemon;
  ClientAndServer vms("compute_us=5000", {});
  Process hog({"nice", "-n", "-10", "taskset", "-c", "1", "sh", "-c", "while :; do :; done"});
  RecordingAgent agent({"--trigger.rules", "none"});
  ASSERT_TRUE(agent.wait_for_backend("lttng+ring")) << agent->process().err();
  const auto path = vms.path(agent);
  EXPECT_NEAR(path.sum(), path.seconds(), 1e-6);
  const double ready = path.of("", "ready", "sh (tid");
  figure("{:.1f} % of {:.3f} s are behind the hog", 100 * ready / path.seconds(), path.seconds());
  EXPECT_GE(ready, 0.5 * path.seconds());
  hog.signal(SIGKILL);
}

}  // namespace vmflow::lab
