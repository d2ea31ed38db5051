// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/thread_times.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "agent/sources/proc_files.h"

namespace vmflow {

std::vector<ThreadReading> read_threads(const std::string& proc, uint32_t pid) {
  std::vector<ThreadReading> threads;
  std::error_code failed;
  const auto tasks = fmt::format("{}/{}/task", proc, pid);
  for (std::filesystem::directory_iterator task(tasks, failed), end; !failed && task != end;
       task.increment(failed)) {
    ThreadReading thread;
    thread.tid = static_cast<uint32_t>(std::strtoul(task->path().filename().c_str(), nullptr, 10));
    std::istringstream schedstat(read_proc_file(task->path() / "schedstat"));
    if (!(schedstat >> thread.cpu_ns >> thread.ready_ns)) continue;
    thread.name = read_proc_file(task->path() / "comm");
    while (!thread.name.empty() && thread.name.back() == '\n') thread.name.pop_back();
    threads.push_back(std::move(thread));
  }
  return threads;
}

}  // namespace vmflow
