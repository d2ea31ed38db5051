// SPDX-License-Identifier: GPL-2.0-only
#include "agent/rights/privileged_thread.h"

#include <exception>

namespace vmflow {

PrivilegedThread::PrivilegedThread() : thread_([this] { serve(); }) {}

PrivilegedThread::~PrivilegedThread() {
  end();
}

void PrivilegedThread::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return work_ != nullptr || ending_; });
    if (work_ == nullptr) return;
    (*work_)();
    work_ = nullptr;
    changed_.notify_all();
  }
}

void PrivilegedThread::run(const std::function<void()>& work) {
  const std::lock_guard turn(turn_);
  if (!thread_.joinable()) return work();
  std::exception_ptr thrown;
  const std::function<void()> guarded = [&] {
    try {
      work();
    } catch (...) {
      thrown = std::current_exception();
    }
  };
  std::unique_lock lock(mutex_);
  work_ = &guarded;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
  if (thrown) std::rethrow_exception(thrown);
}

void PrivilegedThread::end() {
  const std::lock_guard turn(turn_);
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

}  // namespace vmflow
