// SPDX-License-Identifier: GPL-2.0-only
// Records a VM of two vCPUs, in which three processes hand work around and two daemons wake up by
// themselves. See record_pipeline.sh.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>

#include "attempts.h"
#include "linux_guest.h"
#include "recording_agent.h"

namespace vmflow::lab {
namespace {

constexpr std::chrono::seconds kRecorded{6};

/// Where the snapshot is.
std::filesystem::path record() {
  LinuxGuest guest({.work = "chain,seconds=10,go=1", .vcpus = 2});
  RecordingAgent agent({"--trigger.rules", "none", "--no-trace.lttng", "--trace.registers"});
  guest.wait_for("ready");
  guest.begin();
  std::this_thread::sleep_for(kRecorded);
  const auto asked = agent.ask({"--reason", "a pipeline", "--wait"});
  if (asked.status != 0) throw std::runtime_error(asked.err);
  guest.wait_for_end();
  std::ofstream truth(std::filesystem::path(std::getenv("LAB_OUT")) / "truth");
  for (const auto& [name, value] : guest.truth()) truth << name << " " << value << "\n";
  return agent.folder_of(agent.snapshots()[0]);
}

}  // namespace
}  // namespace vmflow::lab

int main() {
  const char* out = std::getenv("LAB_OUT");
  if (out == nullptr) {
    std::fprintf(stderr, "record_pipeline runs in the lab: see record_pipeline.sh\n");
    return 2;
  }
  try {
    const auto from = vmflow::lab::attempts(4, vmflow::lab::record);
    std::filesystem::copy(from, std::filesystem::path(out) / "snapshot",
                          std::filesystem::copy_options::recursive);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "record_pipeline: %s\n", error.what());
    return 1;
  }
  return 0;
}
