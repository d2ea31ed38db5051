// SPDX-License-Identifier: GPL-2.0-only
// A child process that may crash, hang or eat memory, and the frames that it sends before it does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/result.h"

namespace vmflow {

enum class FrameKind : uint8_t { kEvents = 1, kProgress, kDone, kError };

struct Frame {
  FrameKind kind = FrameKind::kError;
  std::string bytes;
};

/// The child's end: sends frames. Errors: none; without a reader the child ends.
class FrameWriter {
 public:
  explicit FrameWriter(int fd) : fd_(fd) {}
  void send(FrameKind kind, std::string_view bytes);

 private:
  int fd_;
};

/// Shape: 0 is no limit.
struct ChildLimits {
  uint64_t memory_bytes = 0;  ///< beyond what it has at its start
  uint64_t cpu_seconds = 0;
  bool may_write_files = false;
};

/// Ended when this goes.
class IsolatedProcess {
 public:
  /// Runs `body` in a child that has only its end of the pipe, dumps no core, and is ended by the
  /// end of the thread that calls, not by what a terminal or service manager sends to both.
  static Result<IsolatedProcess> start(const ChildLimits& limits,
                                       const std::function<void(FrameWriter&)>& body);
  IsolatedProcess(IsolatedProcess&& other) noexcept;
  IsolatedProcess& operator=(IsolatedProcess&&) = delete;
  ~IsolatedProcess();

  /// The next frame. Errors: how the child ended, that it was silent for too long, or that
  /// `stop_fd` can be read.
  Result<Frame> next(std::chrono::milliseconds silence, int stop_fd = -1);
  /// next() gave up: the child neither sent anything nor ended.
  bool is_silent() const { return is_silent_; }
  /// next() gave up because of `stop_fd`.
  bool is_stopped() const { return is_stopped_; }

 private:
  IsolatedProcess(pid_t pid, int fd, bool has_cpu_limit)
      : pid_(pid), fd_(fd), has_cpu_limit_(has_cpu_limit) {}
  std::optional<Frame> take_frame();
  Error how_it_ended();

  pid_t pid_ = -1;
  int fd_ = -1;
  bool has_cpu_limit_ = false;
  bool is_silent_ = false;
  bool is_stopped_ = false;
  std::string bytes_;
  size_t taken_ = 0;
};

}  // namespace vmflow
