// SPDX-License-Identifier: GPL-2.0-only
// An LTTng daemon of a test: sessions by name, and what can go wrong with it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "agent/trigger/lttng_control.h"
#include "agent/trigger/lttng_events.h"
#include "tests/agent/unit/lttng_stream_bytes.h"

namespace vmflow::test {

struct FakeDaemon {
  bool is_running = true;
  std::vector<std::string> offered;
  std::map<std::string, LttngPlan> sessions;
  std::vector<std::string> started;
  std::vector<uint64_t> saved;  ///< what was asked for, in bytes
  std::string stream =
      packet_bytes({.begin = 1'000'000'000, .end = 2'000'000'000, .content = 1000});
  bool saves_half = false;  ///< the disk is full: a partial file, and an error
  bool start_fails = false;
  bool destroy_fails = false;
  int asked = 0;

  FakeDaemon() {
    for (const auto& event : lttng_events()) offered.emplace_back(event.name);
  }
  void die() {
    is_running = false;
    sessions.clear();
    started.clear();
  }
};

class FakeLttng final : public LttngControl {
 public:
  explicit FakeLttng(FakeDaemon& daemon) : daemon_(daemon) {}

  Result<std::vector<std::string>> tracepoints() override {
    if (auto there = answers(); !there) return tl::unexpected(there.error());
    return daemon_.offered;
  }
  Result<std::vector<std::string>> sessions() override {
    daemon_.asked++;
    if (auto there = answers(); !there) return tl::unexpected(there.error());
    std::vector<std::string> names;
    for (const auto& [name, plan] : daemon_.sessions) names.push_back(name);
    return names;
  }
  Result<void> create(const LttngPlan& plan) override {
    if (auto there = answers(); !there) return there;
    if (!daemon_.sessions.emplace(plan.session, plan).second) return failure("exists");
    return {};
  }
  Result<void> start(const std::string& session) override {
    if (daemon_.start_fails) return failure("cannot start");
    daemon_.started.push_back(session);
    return answers();
  }
  Result<void> stop(const std::string&) override { return answers(); }
  Result<void> destroy(const std::string& session) override {
    if (daemon_.destroy_fails) return failure("cannot destroy");
    if (auto there = answers(); !there) return there;
    daemon_.sessions.erase(session);
    return {};
  }
  Result<LttngReadBack> read_back(const std::string&) override { return LttngReadBack{}; }
  Result<void> save(const std::string& session, const std::filesystem::path& folder,
                    uint64_t most_bytes) override {
    if (auto there = answers(); !there) return there;
    if (!daemon_.sessions.contains(session)) return failure("no such session");
    const auto trace = folder / "trace-1" / "kernel";
    std::filesystem::create_directories(trace);
    std::ofstream(trace / "metadata") << "/* CTF 1.8 */";
    std::ofstream(trace / "vmflow_0") << daemon_.stream;
    if (daemon_.saves_half) return failure("no space");
    daemon_.saved.push_back(most_bytes);
    return {};
  }

 private:
  Result<void> answers() const {
    if (!daemon_.is_running) return failure("no lttng-sessiond runs");
    return {};
  }
  FakeDaemon& daemon_;
};

}  // namespace vmflow::test
