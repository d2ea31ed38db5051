// SPDX-License-Identifier: GPL-2.0-only
// A recorder that does what a test wants, when it wants.
#pragma once

#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <stdexcept>

#include "agent/trigger/trace_recorder.h"

namespace vmflow::test {

/// What the test holds on to while the loop owns the recorder.
struct FakeTrace {
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;  ///< save() waits until it is not, or until it is cancelled
  bool cancelled = false;
  std::string error;  ///< save() fails with it
  bool throws = false;
  int saves = 0;

  void release() {
    const std::lock_guard lock(mutex);
    held = false;
    changed.notify_all();
  }
};

class FakeRecorder : public TraceRecorder {
 public:
  explicit FakeRecorder(std::shared_ptr<FakeTrace> trace) : trace_(std::move(trace)) {}

  Result<RecordedTrace> save(const std::filesystem::path& folder) override {
    std::unique_lock lock(trace_->mutex);
    trace_->saves++;
    std::filesystem::create_directory(folder / "kernel");
    std::ofstream(folder / "kernel" / "channel0_0") << "events";
    trace_->changed.wait(lock, [this] { return !trace_->held || trace_->cancelled; });
    if (trace_->throws) throw std::runtime_error("thrown at");
    if (trace_->cancelled) return failure("cancelled");
    if (!trace_->error.empty()) return failure(trace_->error);
    return RecordedTrace{
        .parts = {"kernel"}, .bytes = 6, .events_lost = 3, .first_ns = 1, .last_ns = 20};
  }
  void cancel() noexcept override {
    const std::lock_guard lock(trace_->mutex);
    trace_->cancelled = true;
    trace_->changed.notify_all();
  }
  std::string backend() const override { return "fake"; }
  std::vector<BackendState> backends() const override { return {{"fake", true}, {"lttng", false}}; }

 private:
  std::shared_ptr<FakeTrace> trace_;
};

}  // namespace vmflow::test
