// SPDX-License-Identifier: GPL-2.0-only
// Records one of two hosts that a wire connects, each with a VM behind a bridge: a client that asks
// a server over TCP, which reads its disk before it answers. See record_hosts.sh.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>

#include "asking_guests.h"
#include "linux_guest.h"
#include "lttng_daemon.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

constexpr std::chrono::seconds kRecorded{5};

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

/// The handshake comes before the client is told to ask.
void wait_for_requests(const std::string& tap, const LinuxGuest& guest) {
  constexpr uint64_t kRequests = 20;
  const auto from = frames_from(tap);
  for (int tenths = 0; frames_from(tap) < from + kRequests; tenths++, pause())
    if (tenths > 900)
      throw std::runtime_error("the server has sent " + std::to_string(frames_from(tap) - from) +
                               " frames since it was ready:\n" + guest.console());
}

LinuxGuestSetup guest_of(bool is_client, const std::string& tap) {
  LinuxGuestSetup setup{.work = "net,tcp=1,ip=10.78.0.2,peer=10.78.0.3,count=100000,go=1",
                        .qemu = client_vm(tap),
                        .kernel = kWithoutIpv6,
                        .cpus = "0"};
  if (is_client) return setup;
  setup.work = "server,tcp=1,ip=10.78.0.3,count=100000";
  setup.qemu = server_vm(tap);
  for (const auto& argument : serial_drive()) setup.qemu.push_back(argument);
  return setup;
}

void record(bool is_client, const std::filesystem::path& out) {
  const std::string tap = "vmflow0", name = is_client ? "client-host" : "server-host";
  if (sethostname(name.data(), name.size()) != 0) throw std::runtime_error("sethostname");
  const Bridge bridge({tap}, {"eth1"});
  if (!is_client) make_serial_disk(kSlowDisk);
  LttngDaemon daemon;
  LinuxGuest guest(guest_of(is_client, tap));
  guest.wait_for(is_client ? "ready" : "work begins");
  RecordingAgent agent({"--trigger.rules", "none", "--trace.packets", "--trace.lttng-mib", "64"});
  if (!agent.wait_for_backend("lttng+ring")) throw std::runtime_error(agent->process().err());
  std::ofstream(out / "ready").close();
  if (is_client) {
    guest.begin();
  } else {
    wait_for_requests(tap, guest);
  }
  std::this_thread::sleep_for(kRecorded);
  std::fprintf(stderr, "record_host: %s has sent %lu frames\n", name.c_str(), frames_from(tap));
  const auto asked = agent.ask({"--reason", "the client waits", "--wait"});
  if (asked.status != 0) throw std::runtime_error(asked.err);
  const auto from = agent.folder_of(agent.snapshots()[0]);
  std::filesystem::copy(from, out / "snapshot", std::filesystem::copy_options::recursive);
  std::ofstream(out / "done").close();
  // The other host still asks, or answers: both are ended from outside.
  std::this_thread::sleep_for(std::chrono::seconds(120));
}

}  // namespace
}  // namespace vmflow::lab

int main(int argc, char** argv) {
  const std::string role = argc == 2 ? argv[1] : "";
  const char* out = std::getenv("LAB_OUT");
  if ((role != "client" && role != "server") || out == nullptr) {
    std::fprintf(stderr, "usage, in the lab: %s client|server\n", argv[0]);
    return 2;
  }
  try {
    vmflow::lab::record(role == "client", out);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "record_host: %s\n", error.what());
    return 1;
  }
  return 0;
}
