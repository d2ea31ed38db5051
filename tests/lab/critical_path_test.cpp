// SPDX-License-Identifier: GPL-2.0-only
// Label lab, with --lttng: a VM that waits for another VM, and what that one waits for in turn,
// seen from their host alone.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <thread>

#include "asking_guests.h"
#include "attempts.h"
#include "figure.h"
#include "linux_guest.h"
#include "lttng_daemon.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

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
  /// Seconds and count of what a guest's threads did, whichever of them did it.
  std::pair<double, double> of(const std::string& guest, const std::string& what) const {
    std::pair<double, double> sum{0, 0};
    for (const auto& part : path_["parts"]) {
      if (part["what"] != what || !part["worker"].get<std::string>().ends_with("of " + guest))
        continue;
      sum.first += part["seconds"].get<double>();
      sum.second += part["count"].get<double>();
    }
    return sum;
  }
  double requests_a_second = 0;  ///< as the client's tap has counted them
  Json longest() const { return path_["parts"][0]; }
  double sum() const {
    double sum = 0;
    for (const auto& part : path_["parts"]) sum += part["seconds"].get<double>();
    return sum;
  }

 private:
  Json path_;
};

/// Two VMs, one of which asks the other one again and again.
class ClientAndServer {
 public:
  explicit ClientAndServer(const std::string& server_work, std::vector<std::string> drive) {
    auto server = server_vm("vmflow1");
    server.insert(server.end(), drive.begin(), drive.end());
    server_.emplace(LinuxGuestSetup{.work = "server,ip=10.78.0.3,count=100000," + server_work,
                                    .qemu = server,
                                    .kernel = kWithoutIpv6,
                                    .cpus = "1"});
    server_->wait_for("work begins");
    client_.emplace(LinuxGuestSetup{.work = "net,ip=10.78.0.2,peer=10.78.0.3,count=100000",
                                    .qemu = client_vm("vmflow0"),
                                    .kernel = kWithoutIpv6,
                                    .cpus = "0"});
    client_->wait_for("work begins");
  }
  /// What the agent records of some seconds from now on.
  Path path(RecordingAgent& agent) {
    const auto frames = frames_from("vmflow0");
    std::this_thread::sleep_for(std::chrono::seconds(kSeconds));
    const auto requests = frames_from("vmflow0") - frames;
    figure("{} requests in {} s", requests, kSeconds);
    if (requests < kFewestRequests) throw std::runtime_error("an emulated guest is stuck");
    const auto asked = agent.ask({"--reason", "the client waits", "--wait"});
    if (asked.status != 0) throw std::runtime_error(asked.err);
    const auto analyzed = run({vmflow_path(), "analyze", agent.folder_of(agent.snapshots()[0]),
                               "--path", "client/vcpu0", "--format", "json"});
    if (analyzed.status != 0) throw std::runtime_error(analyzed.err);
    for (const auto* guest : {&*server_, &*client_})
      if (guest->console().find("Call Trace") != std::string::npos)
        throw std::runtime_error(guest->console());
    Path path(Json::parse(analyzed.out)["critical_path"]);
    path.requests_a_second = static_cast<double>(requests) / kSeconds;
    return path;
  }

 private:
  static constexpr int kSeconds = 8;
  static constexpr uint64_t kFewestRequests = 5 * kSeconds;
  Bridge bridge_{{"vmflow0", "vmflow1"}};
  std::optional<LinuxGuest> server_, client_;
};

/// The path of a client whose server does this, `beside` something. Again if the emulated CPU makes
/// a guest's kernel fail.
Path client_path(const std::string& work, const std::vector<std::string>& drive,
                 const std::vector<std::string>& beside) {
  LttngDaemon daemon;
  return attempts(5, [&] {
    ClientAndServer vms(work, drive);
    std::optional<Process> neighbour;
    if (!beside.empty()) neighbour.emplace(beside);
    RecordingAgent agent({"--trigger.rules", "none"});
    if (!agent.wait_for_backend("lttng+ring")) throw std::runtime_error(agent->process().err());
    auto path = vms.path(agent);
    if (neighbour) neighbour->signal(SIGKILL);
    return path;
  });
}

}  // namespace

TEST(CriticalPath, of_a_client_ends_on_the_disk_of_its_server) {
  make_serial_disk(kSlowDisk);
  const auto path = client_path("", serial_drive(), {});
  EXPECT_NEAR(path.sum(), path.seconds(), 1e-6);
  const auto [disk, times] = path.of("server", "disk");
  figure(
      "{:.1f} % of {:.3f} s are the server's disk, {:.1f} ms each time; {:.1f} requests a second",
      100 * disk / path.seconds(), path.seconds(), 1e3 * disk / times, path.requests_a_second);
  EXPECT_EQ(path.longest()["what"], "disk");
  EXPECT_TRUE(path.longest()["worker"].get<std::string>().ends_with("of server"));
  // Each request reads once. The server's vCPU works on for a while before it waits.
  EXPECT_NEAR(times, path.requests_a_second * path.seconds(), 0.15 * times);
  EXPECT_GE(disk / times, 0.75 * kSlowDisk);
  EXPECT_LE(disk / times, 1.02 * kSlowDisk);
}

TEST(CriticalPath, of_a_client_ends_on_what_takes_the_cpu_of_its_server) {
  const auto path =
      client_path("compute_us=5000", {},
                  {"nice", "-n", "-10", "taskset", "-c", "1", "sh", "-c", "while :; do :; done"});
  EXPECT_NEAR(path.sum(), path.seconds(), 1e-6);
  const auto longest = path.longest();
  const double behind = longest["seconds"];
  figure("{:.1f} % of {:.3f} s are behind the hog", 100 * behind / path.seconds(), path.seconds());
  EXPECT_EQ(longest["worker"], "vCPU 0 of server");
  EXPECT_EQ(longest["what"], "ready");
  EXPECT_EQ(longest["by"].get<std::string>().find("sh (tid "), 0u);
  // The rest is mostly the client's own timer, after a packet that an emulated card has lost.
  EXPECT_GE(behind, 0.3 * path.seconds());
}

}  // namespace vmflow::lab
