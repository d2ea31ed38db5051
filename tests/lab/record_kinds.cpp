// SPDX-License-Identifier: GPL-2.0-only
// Records one boot of kinds_test.sh: a guest of each kind of load, one after the other, each alone
// on its host, and what `vmflow features` tells of its steady state.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "guest.h"
#include "process.h"
#include "serial_disk.h"
#include "tap_host.h"

namespace vmflow::lab {
namespace {

using std::chrono::milliseconds;

constexpr size_t kBoots = 3;
constexpr int kSettleSeconds = 3, kWindowSeconds = 10;

/// The guests of one kind, by boot: no two of them do the same.
struct Kind {
  std::string cause;  ///< as `vmflow cluster` is to call it
  std::vector<std::string> guest[kBoots];
};

struct Named {
  std::string name;  ///< its truth: the kind, and which one it is
  std::vector<std::string> arguments;
};

const Kind kKinds[] = {
    {"CPU-bound",
     {{"spin", "--seconds", "600"},
      {"spin", "--seconds", "600", "--kick-every-ms", "20"},
      {"cpuid", "--count", "1000000000", "--own-loops", "1000000"}}},
    {"disk-bound",
     {{"irq", "--count", "1000000", "--period-us", "1", "--read", kDisk},
      {"irq", "--count", "1000000", "--period-us", "1", "--read", kDisk},
      {"irq", "--count", "1000000", "--period-us", "12000", "--read", kDisk}}},
    // They answer: a VM that only receives does nothing, and is idle.
    {"network-bound",
     {{"irq", "--count", "1000000", "--tap", kTap, "--echo"},
      {"irq", "--count", "1000000", "--tap", kTap, "--echo", "--read-delay-us", "500"},
      {"irq", "--count", "1000000", "--tap", kTap, "--echo", "--vhost"}}},
    {"timer-driven",
     {{"hlt", "--count", "100000000", "--period-us", "500"},
      {"hlt", "--count", "100000000", "--period-us", "1000", "--vcpus", "2"},
      {"hlt", "--count", "100000000", "--period-us", "700", "--timer-vector", "53"}}},
    {"exit-heavy",
     {{"cpuid", "--count", "1000000000"},
      {"cpuid", "--count", "1000000000", "--own-loops", "100"},
      {"cpuid", "--count", "1000000000", "--own-loops", "300"}}},
    {"idle",
     {{"hlt", "--count", "1000000", "--period-us", "100000"},
      {"hlt", "--count", "1000000", "--period-us", "250000", "--vcpus", "2"},
      {"hlt", "--count", "1000000", "--period-us", "40000"}}},
};
// Exits as often as the others of its kind, but by another instruction.
const Named kOtherExits{"exit-heavy-msr", {"msr", "--count", "1000000000"}};
// How long the disk needs for a block, and what lies between two packets.
constexpr double kDiskSeconds[kBoots] = {0.010, 0.004, 0.006};
constexpr milliseconds kPacketEvery[kBoots] = {milliseconds(10), milliseconds(6), milliseconds(15)};

/// Sends packets to the guest for as long as it lives.
class Sender {
 public:
  explicit Sender(milliseconds every)
      : thread_([this, every](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            host_.send();
            std::this_thread::sleep_for(every);
          }
        }) {}

 private:
  TapHost host_;
  std::jthread thread_;
};

/// Its features, as a file of its own. Two boots may give the same process ids: `number`, which is
/// of this guest alone, is in the uuid, by which VMs are told apart.
void record(AgentProcess& agent, const Named& named, size_t number,
            std::optional<milliseconds> packet_every, const std::filesystem::path& out) {
  auto arguments = named.arguments;
  for (const auto& more :
       std::vector<std::string>{"--max-seconds", "100000", "-name", "guest=" + named.name, "-uuid",
                                fmt::format("00000000-0000-4000-8000-{:012}", number)})
    arguments.push_back(more);
  const Guest guest(arguments);
  std::optional<Sender> sender;
  if (packet_every) sender.emplace(*packet_every);
  std::this_thread::sleep_for(std::chrono::seconds(kSettleSeconds));
  must({vmflow_path(), "features", "--window", std::to_string(kWindowSeconds), "--agent",
        "http://127.0.0.1:" + std::to_string(agent.port()), "--output",
        out / (named.name + ".csv")});
}

void record(size_t boot, const std::filesystem::path& out) {
  must({"modprobe", "-a", "tun", "vhost_net"});
  make_serial_disk(kDiskSeconds[boot]);
  AgentProcess agent({"--idle.window-seconds", std::to_string(kWindowSeconds)});
  agent.wait_until_ready();
  size_t number = 100 * (boot + 1);
  for (const auto& [cause, guest] : kKinds) {
    std::optional<milliseconds> packet_every;
    if (cause == "network-bound") packet_every = kPacketEvery[boot];
    record(agent, {fmt::format("{}-{}", cause, boot + 1), guest[boot]}, number++, packet_every,
           out);
  }
  if (boot + 1 == kBoots) record(agent, kOtherExits, number, std::nullopt, out);
  if (const auto stopped = agent.stop(); stopped.status != 0) throw std::runtime_error(stopped.err);
}

}  // namespace
}  // namespace vmflow::lab

int main(int argc, char** argv) {
  const size_t boot = argc == 2 ? std::strtoul(argv[1], nullptr, 10) : 0;
  const char* out = std::getenv("LAB_OUT");
  if (boot < 1 || boot > vmflow::lab::kBoots || out == nullptr) {
    std::fprintf(stderr, "usage, in the lab: %s 1|2|3\n", argv[0]);
    return 2;
  }
  try {
    vmflow::lab::record(boot - 1, out);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "record_kinds: %s\n", error.what());
    return 1;
  }
  return 0;
}
