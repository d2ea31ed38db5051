// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/own_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "agent/sources/proc_files.h"

namespace vmflow {
namespace {

uint64_t count_open_files() {
  std::error_code failed;
  const std::filesystem::directory_iterator files("/proc/self/fd", failed);
  if (failed) return 0;
  const auto count = std::distance(begin(files), end(files));
  return static_cast<uint64_t>(count - 1);  // the one that lists them
}

}  // namespace

ProcessFlow read_own_process() {
  ProcessFlow process;
  timespec cpu{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  process.cpu_seconds = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) / 1e9;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  std::istringstream pages(read_proc_file("/proc/self/statm"));
  pages >> process.virtual_bytes >> process.resident_bytes;
  process.virtual_bytes *= page;
  process.resident_bytes *= page;
  process.open_fds = count_open_files();
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) process.max_fds = files.rlim_cur;
  process.start_time_unix_seconds =
      boot_unix_seconds("/proc") +
      tick_seconds(start_ticks_of(read_proc_file("/proc/self/stat")).value_or(0));
  return process;
}

}  // namespace vmflow
