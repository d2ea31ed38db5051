// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/thread_times.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "agent/sources/proc_files.h"

namespace vmflow {

std::optional<ThreadReading> read_thread(const std::string& directory, uint32_t tid) {
  ThreadReading thread;
  thread.tid = tid;
  std::istringstream schedstat(read_proc_file(directory + "/schedstat"));
  if (!(schedstat >> thread.cpu_ns >> thread.ready_ns)) return {};
  thread.name = read_proc_file(directory + "/comm");
  while (!thread.name.empty() && thread.name.back() == '\n') thread.name.pop_back();
  return thread;
}

std::vector<ThreadReading> read_threads(const std::string& proc, uint32_t pid) {
  std::vector<ThreadReading> threads;
  std::error_code failed;
  const auto tasks = fmt::format("{}/{}/task", proc, pid);
  for (std::filesystem::directory_iterator task(tasks, failed), end; !failed && task != end;
       task.increment(failed)) {
    const auto tid = std::strtoul(task->path().filename().c_str(), nullptr, 10);
    if (auto thread = read_thread(task->path(), static_cast<uint32_t>(tid)))
      threads.push_back(std::move(*thread));
  }
  return threads;
}

}  // namespace vmflow
