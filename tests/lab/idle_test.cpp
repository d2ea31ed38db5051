// SPDX-License-Identifier: GPL-2.0-only
// Label lab: over ten windows each, a Linux guest that is left alone is idle, and one that asks a
// peer some times a second is not.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "agent_process.h"
#include "attempts.h"
#include "figure.h"
#include "linux_guest.h"
#include "peer.h"

namespace vmflow::lab {
namespace {

constexpr int kWindowSeconds = 10, kWindows = 10;
// Until the boot is no part of the window any more.
constexpr int kSettleSeconds = 2 * kWindowSeconds;

void sleep_s(int seconds) {
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
}

/// What the API says of the VM of a process.
nlohmann::json use_of(AgentProcess& agent, const std::string& vm) {
  return nlohmann::json::parse(agent.get("/api/v1/vms/" + vm)).at("use");
}

/// 1, 0, or -1 where it is absent.
double idle(const Page& page, const std::string& vm) {
  const auto found = page.find("vmflow_vm_idle", {{"vm", vm}});
  return found.size() == 1 ? found[0].value : -1;
}

/// Seconds of CPU time that the process has had, by the kernel's own account.
double cpu_seconds(pid_t pid) {
  double all = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream times(task.path() / "schedstat");
    double ns = 0;
    if (times >> ns) all += ns / 1e9;
  }
  return all;
}

struct Seen {
  int idle = 0, light = 0;  ///< windows in which each was called idle
};

/// What `vmflow features` says of the next seconds, by VM.
std::map<std::string, nlohmann::json> features(AgentProcess& agent) {
  const auto told = run({vmflow_path(), "features", "--format", "json", "--window", "5", "--agent",
                         "http://127.0.0.1:" + std::to_string(agent.port())});
  EXPECT_EQ(told.status, 0) << told.err;
  std::map<std::string, nlohmann::json> by_vm;
  const auto table = nlohmann::json::parse(told.out);
  for (const auto& row : table.at("rows")) by_vm[row.at("vm")] = row.at("values");
  return by_vm;
}

void expect_features(AgentProcess& agent, pid_t alone, pid_t light) {
  auto by_vm = features(agent);
  const auto page = agent.scrape();
  const auto& quiet = by_vm[page.vm_of(alone)];
  const auto& asking = by_vm[page.vm_of(light)];
  figure("alone: {} of its time halted, idle {}", quiet["halted_ratio"].dump(),
         quiet["idle_ratio"].dump());
  figure("light: {} packets a second sent, {} waits for the network",
         asking["net_transmit_per_second"].dump(), asking["wait_net_per_second"].dump());
  EXPECT_GT(quiet["halted_ratio"], 0.9);
  EXPECT_EQ(quiet["idle_ratio"], 1);
  EXPECT_TRUE(quiet["net_transmit_per_second"].is_null());
  EXPECT_EQ(asking["idle_ratio"], 0);
  EXPECT_NEAR(asking["net_transmit_per_second"], 4, 1.5);
  // The card says that it has sent, too.
  EXPECT_GT(asking["wait_net_per_second"], 3);
}

/// Ten windows of the two guests. Errors: throws if one of them stands still, which the emulated
/// CPU makes at times.
Seen watch(AgentProcess& agent) {
  // Nothing but the kernel's own: ticks, RCU, entropy from a device.
  const LinuxGuest alone({.work = "alive,seconds=3600",
                          .qemu = {"-object", "rng-random,id=rng,filename=/dev/urandom", "-device",
                                   "virtio-rng-pci,rng=rng"},
                          .vcpus = 1,
                          .cpus = "1"});
  const LinuxGuest light(
      {.work = "net,device=eth0,ip=10.78.0.2,peer=10.78.0.1,count=100000,patience=20",
       .qemu = card("vmflow0", "on"),
       .kernel = kWithoutIpv6,
       .cpus = "1"});
  sleep_s(kSettleSeconds);
  Seen seen;
  auto sent = frames_from("vmflow0");
  auto had = cpu_seconds(alone.pid());
  for (int window = 0; window < kWindows; window++) {
    sleep_s(kWindowSeconds);
    const auto page = agent.scrape();
    const auto idle_vm = page.vm_of(alone.pid()), light_vm = page.vm_of(light.pid());
    const auto now = frames_from("vmflow0");
    figure("alone: {}", use_of(agent, idle_vm).dump());
    figure("light: {} frames; {}", now - sent, use_of(agent, light_vm).dump());
    if (now == std::exchange(sent, now)) throw std::runtime_error("it asks nothing any more");
    const auto has = cpu_seconds(alone.pid());
    if (has - std::exchange(had, has) > kWindowSeconds / 2.0)
      throw std::runtime_error("the guest that is left alone spins: the emulated CPU made it fail");
    EXPECT_GE(idle(page, idle_vm), 0) << "it was seen for a whole window";
    EXPECT_GE(idle(page, light_vm), 0);
    seen.idle += idle(page, idle_vm) == 1;
    seen.light += idle(page, light_vm) == 1;
  }
  expect_features(agent, alone.pid(), light.pid());
  return seen;
}

}  // namespace

TEST(Idle, is_who_is_left_alone_and_not_who_asks_a_little) {
  AgentProcess agent({"--idle.window-seconds", std::to_string(kWindowSeconds)});
  agent.wait_until_ready();
  load_net_modules();
  // A few answers a second.
  const Peer peer("vmflow0", "10.78.0.1", std::chrono::milliseconds(250));
  const auto seen = attempts(5, [&] { return watch(agent); });
  EXPECT_EQ(seen.idle, kWindows);
  EXPECT_EQ(seen.light, 0);
  EXPECT_EQ(agent.stop().status, 0);
}

}  // namespace vmflow::lab
