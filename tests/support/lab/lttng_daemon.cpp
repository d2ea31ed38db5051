// SPDX-License-Identifier: GPL-2.0-only
#include "lttng_daemon.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace vmflow::lab {
namespace {

constexpr std::chrono::seconds kMostToStart{60};

std::vector<std::string> command(std::vector<std::string> flags) {
  flags.insert(flags.begin(), "lttng-sessiond");
  return flags;
}

bool answers() {
  return run({"lttng", "--no-sessiond", "list"}).status == 0;
}

}  // namespace

LttngDaemon::LttngDaemon(std::vector<std::string> flags) : process_(command(std::move(flags))) {
  const auto deadline = std::chrono::steady_clock::now() + kMostToStart;
  while (!answers()) {
    if (!process_.is_running() || std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("lttng-sessiond: " + process_.err());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

LttngDaemon::~LttngDaemon() {
  if (!process_.is_running()) return;  // the number may be another's by now
  process_.signal(SIGTERM);
  process_.wait(kMostToStart);
}

void LttngDaemon::kill() {
  process_.signal(SIGKILL);
  process_.wait();
}

WithoutLttngModules::WithoutLttngModules() {
  utsname kernel{};
  uname(&kernel);
  folder_ = std::string("/lib/modules/") + kernel.release + "/extra";
  must({"mount", "-t", "tmpfs", "none", folder_});
}

WithoutLttngModules::~WithoutLttngModules() {
  umount2(folder_.c_str(), MNT_DETACH);
}

std::vector<std::string> lttng_processes() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = entry.path().filename().string();
    if (!std::ranges::all_of(pid, [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    std::string stat;
    std::getline(std::ifstream(entry.path() / "stat"), stat);
    const auto name_end = stat.rfind(") ");
    if (stat.find("(lttng") == std::string::npos || name_end == std::string::npos) continue;
    if (stat[name_end + 2] != 'Z') found.push_back(stat.substr(0, name_end + 1));
  }
  return found;
}

std::vector<std::string> events_of(const std::string& trace) {
  const auto printed = run({"babeltrace2", "--no-delta", "--clock-seconds", trace});
  if (printed.status != 0) throw std::runtime_error("babeltrace2: " + printed.err);
  std::istringstream text(printed.out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// "[time] host name: { cpu_id = 0 }, …"
std::map<std::string, int> count_names(const std::vector<std::string>& events) {
  std::map<std::string, int> counts;
  for (const auto& event : events) {
    const auto end = event.find(": {");
    const auto begin = event.rfind(' ', end);
    if (end != std::string::npos && begin != std::string::npos)
      counts[event.substr(begin + 1, end - begin - 1)]++;
  }
  return counts;
}

}  // namespace vmflow::lab
