// SPDX-License-Identifier: GPL-2.0-only
// An agent that records, and what it has saved.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent_process.h"
#include "figure.h"
#include "guest.h"
#include "stopwatch.h"

namespace vmflow::lab {

using std::chrono::milliseconds;

inline const std::string kFolder = "/run/snapshots";

/// An agent that records, with a folder of its own.
class RecordingAgent {
 public:
  explicit RecordingAgent(std::vector<std::string> more = {}) {
    keep_to_first_cpu();
    std::filesystem::remove_all(kFolder);
    std::vector<std::string> flags = {
        "--trace.dir",       kFolder, "--trace.min-free-mib", "0", "--trace.ring-mib-per-cpu", "16",
        "--trace.lttng-mib", "128",   "--web.enable-writes"};
    flags.insert(flags.end(), more.begin(), more.end());
    agent_.emplace(flags);
    agent_->wait_until_ready();
  }
  AgentProcess& operator*() { return *agent_; }
  AgentProcess* operator->() { return &*agent_; }

  /// `vmflow snapshot` with these flags.
  Finished ask(const std::vector<std::string>& flags) {
    std::vector<std::string> command = {vmflow_path(), "snapshot", "--agent", url()};
    command.insert(command.end(), flags.begin(), flags.end());
    return run(command);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(agent_->port()); }

  Json snapshots() { return Json::parse(agent_->get("/api/v1/snapshots"))["snapshots"]; }

  /// The first snapshot that is complete, within `most`; null if there is none.
  Json wait_for_snapshot(double most) {
    const Stopwatch watch;
    while (watch.seconds() < most) {
      for (const auto& one : snapshots())
        if (one["state"] == "complete") return one;
      std::this_thread::sleep_for(milliseconds(200));
    }
    return nullptr;
  }
  /// The backend that the agent's page calls available, best first.
  std::string backend() {
    const auto page = agent_->scrape();
    for (const auto* name : {"lttng+ring", "lttng_sched+ring", "ring"})
      if (page.sum("vmflow_trace_backend_available", {{"backend", name}}) == 1) return name;
    return "none";
  }
  bool wait_for_backend(const std::string& name, double most = 20) {
    const Stopwatch watch;
    while (backend() != name)
      if (watch.seconds() > most)
        return false;
      else
        std::this_thread::sleep_for(milliseconds(200));
    return true;
  }
  /// The report that the agent has written beside a snapshot, once it is there.
  Json wait_for_report(const std::string& id) {
    const auto path = std::filesystem::path(kFolder) / id / "report.json";
    const Stopwatch watch;
    while (!std::filesystem::exists(path)) {
      if (watch.seconds() > 60) throw std::runtime_error("no report: " + agent_->process().err());
      std::this_thread::sleep_for(milliseconds(200));
    }
    std::ifstream file(path);
    return Json::parse(file);
  }

 private:
  std::optional<AgentProcess> agent_;
};

inline void expect_agreement(const Json& report) {
  ASSERT_FALSE(report["crosscheck"]["rows"].empty()) << "nothing was compared";
  for (const auto& row : report["crosscheck"]["rows"]) {
    figure("{:<14} live {:<14} trace {:<14} disagreement {:.5f}, allowed {:.5f}",
           row["quantity"].get<std::string>(), row["aggregate"].dump(), row["replay"].dump(),
           row["disagreement_ratio"].get<double>(), row["allowed_ratio"].get<double>());
    EXPECT_LE(row["disagreement_ratio"].get<double>(), row["allowed_ratio"].get<double>())
        << row["quantity"];
  }
}

inline std::string folder_of(const Json& snapshot) {
  return kFolder + "/" + snapshot["id"].get<std::string>();
}

}  // namespace vmflow::lab
