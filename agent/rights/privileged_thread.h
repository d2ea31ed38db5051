// SPDX-License-Identifier: GPL-2.0-only
// The one thread that may hold capabilities. The kernel keeps them for each thread, and a process
// whose threads differ is only as safe as the mightiest: so what needs a right is done here, by a
// thread that handles no request, and all others never have any.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace vmflow {

class PrivilegedThread {
 public:
  /// Starts it, with the capabilities of the calling thread.
  PrivilegedThread();
  PrivilegedThread(const PrivilegedThread&) = delete;
  PrivilegedThread& operator=(const PrivilegedThread&) = delete;
  ~PrivilegedThread();

  /// Has `work` done there and waits for it; what it throws is thrown here. After end() it is done
  /// by the caller, who has no rights. Threads: any, one at a time.
  void run(const std::function<void()>& work);

  /// Ends it: from now on no thread holds what it held.
  void end();

 private:
  void serve();

  std::mutex turn_;  // one caller at a time
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool ending_ = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace vmflow
