// SPDX-License-Identifier: GPL-2.0-only
#include "recording_agent.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "new_folder.h"
#include "stopwatch.h"

namespace vmflow::lab {
namespace {

constexpr double kMostForReport = 60;

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

std::vector<std::string> with_usual(std::vector<std::string> flags, const std::string& folder) {
  const std::vector<std::pair<std::string, std::string>> usual = {
      {"--trace.dir", folder}, {"--trace.min-free-mib", "0"}, {"--trace.lttng-mib", "128"}};
  for (const auto& [flag, value] : usual)
    if (std::ranges::find(flags, flag) == flags.end()) flags.insert(flags.end(), {flag, value});
  flags.emplace_back("--web.enable-admin-api");
  return flags;
}

std::string folder_in(const std::vector<std::string>& flags) {
  const auto flag = std::ranges::find(flags, "--trace.dir");
  return flag == flags.end() ? new_folder("snapshots") : *std::next(flag);
}

}  // namespace

RecordingAgent::RecordingAgent(std::vector<std::string> flags) : folder_(folder_in(flags)) {
  keep_to_first_cpu();
  agent_.emplace(with_usual(std::move(flags), folder_));
  agent_->wait_until_ready();
}

Finished RecordingAgent::ask(const std::vector<std::string>& flags) {
  std::vector<std::string> command = {vmflow_path(), "snapshot", "--agent", url()};
  command.insert(command.end(), flags.begin(), flags.end());
  return run(command);
}

Json RecordingAgent::snapshots() {
  return Json::parse(agent_->get("/api/v1/snapshots"))["snapshots"];
}

Json RecordingAgent::wait_for_snapshot(double most) {
  for (const Stopwatch watch; watch.seconds() < most; pause())
    for (const auto& one : snapshots())
      if (one["state"] == "complete") return one;
  return nullptr;
}

Json RecordingAgent::wait_for_report(const std::string& id) {
  const auto path = std::filesystem::path(folder_) / id / "report.json";
  for (const Stopwatch watch; !std::filesystem::exists(path); pause())
    if (watch.seconds() > kMostForReport)
      throw std::runtime_error("no report: " + agent_->process().err());
  std::ifstream file(path);
  return Json::parse(file);
}

std::string RecordingAgent::backend() {
  const auto page = agent_->scrape();
  for (const auto* name : {"lttng+ring", "lttng_sched+ring", "ring"})
    if (page.sum("vmflow_trace_backend_available", {{"backend", name}}) == 1) return name;
  return "none";
}

bool RecordingAgent::wait_for_backend(const std::string& name, double most) {
  for (const Stopwatch watch; backend() != name; pause())
    if (watch.seconds() > most) return false;
  return true;
}

}  // namespace vmflow::lab
