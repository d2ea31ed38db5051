// SPDX-License-Identifier: GPL-2.0-only
// A child process of a test.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace vmflow::lab {

struct Finished {
  int status = 0;  ///< exit status, or 128 + signal
  std::string out;
  std::string err;
};

/// Runs until it is waited for or destroyed, which kills it. Its output goes to unlinked files: it
/// never blocks. Threads: one at a time.
class Process {
 public:
  /// Errors: throws std::runtime_error if it cannot be started.
  explicit Process(const std::vector<std::string>& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Writes to its stdin. The first call with `last` closes it.
  void write(const std::string& text, bool last = false);
  bool is_running();
  /// nullopt if it did not end in time. The default is no guess at how long it takes: where virtual
  /// time counts instructions, an hour of it passes while the lab waits for a file.
  std::optional<Finished> wait(std::chrono::milliseconds limit = std::chrono::hours(10));
  std::string out() const;
  std::string err() const;

 private:
  void reap(bool block);

  pid_t pid_ = -1;
  int in_ = -1, out_ = -1, err_ = -1;
  std::optional<int> status_;
};

/// Starts `command`, waits for its end.
Finished run(const std::vector<std::string>& command);
/// The same. Errors: throws with what it says, unless its status is 0.
void must(const std::vector<std::string>& command);

/// This process and those that it starts run on CPU 0 alone.
void keep_to_first_cpu();

}  // namespace vmflow::lab
