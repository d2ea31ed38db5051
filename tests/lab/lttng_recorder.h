// SPDX-License-Identifier: GPL-2.0-only
// The flight recorder in a test, as the agent would use it.
#pragma once

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/trigger/lttng_client.h"
#include "agent/trigger/lttng_names.h"
#include "agent/trigger/lttng_session.h"
#include "agent_process.h"
#include "figure.h"
#include "lttng_daemon.h"

namespace vmflow::lab {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr LttngDeadlines kDeadlines{milliseconds(3000), milliseconds(30000), milliseconds(10000),
                                    milliseconds(30000)};
constexpr int kCpuids = 3001;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

inline double seconds_of(const LttngSnapshot& saved) {
  return static_cast<double>(saved.last_ns - saved.first_ns) / 1e9;
}

/// A folder below /run, or a file system of its own if it has a size.
class Folder {
 public:
  explicit Folder(const std::string& name, const std::string& size = "") : path_("/run/" + name) {
    std::filesystem::create_directories(path_);
    if (size.empty()) return;
    mounted_ = mount("small", path_.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    EXPECT_TRUE(mounted_);
  }
  ~Folder() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  bool is_empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
  bool mounted_ = false;
};

inline LttngOptions options() {
  return {.first_bytes_per_cpu = 8 << 20, .cpus = 2};
}

inline std::string own_name() {
  return lttng_session_name(*own_process_key());
}

/// A session that ticks as the agent would.
class Recorder {
 public:
  explicit Recorder(LttngOptions options = lab::options())
      : session_(std::make_unique<LttngClient>(kDeadlines), std::move(options)) {}
  LttngSession* operator->() { return &session_; }
  /// Ticks until it records, or until what is asked for holds. Errors: a failed test.
  void tick_until(const std::function<bool(const LttngState&)>& holds) {
    const auto begin = Clock::now();
    while (session_.tick(Clock::now()), !holds(session_.state())) {
      ASSERT_LT(seconds_since(begin), 60) << session_.state().reason;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
  void record() {
    tick_until([](const LttngState& state) { return state.recording; });
  }

 private:
  LttngSession session_;
};

inline void run_guest(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ground_truth_path());
  const auto finished = run(arguments);
  EXPECT_EQ(finished.status, 0) << arguments[1] << ": " << finished.err;
}

inline std::vector<std::string> sessions() {
  auto listed = LttngClient(kDeadlines).sessions();
  EXPECT_TRUE(listed) << listed.error().message;
  return listed ? *listed : std::vector<std::string>{};
}

inline std::ptrdiff_t count(const std::vector<std::string>& lines, const std::string& one,
                            const std::string& other) {
  return std::ranges::count_if(lines, [&](const auto& line) {
    return line.find(one) != std::string::npos && line.find(other) != std::string::npos;
  });
}

}  // namespace vmflow::lab
