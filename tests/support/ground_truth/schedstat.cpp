// SPDX-License-Identifier: GPL-2.0-only
#include "schedstat.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <sstream>

namespace vmflow::ground_truth {
namespace {

std::optional<SchedStat> parse(const char* line) {
  std::istringstream text(line);
  SchedStat stat;
  if (!(text >> stat.on_cpu_ns >> stat.run_delay_ns >> stat.timeslices)) return std::nullopt;
  return stat;
}

}  // namespace

SchedStatSpan::SchedStatSpan()
    : file_(::open(fmt::format("/proc/self/task/{}/schedstat", ::gettid()).c_str(),
                   O_RDONLY | O_CLOEXEC)) {
  begin();  // the first read of a file is dearer than those that count
}

void SchedStatSpan::read_into(Line& line) const {
  // Asking for the thread's CPU clock makes the kernel bring on_cpu_ns up to date; without that
  // the file shows the value of the last tick or switch.
  timespec unused{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &unused);
  const ssize_t got = ::pread(file_.get(), line.data(), line.size() - 1, 0);
  line[got < 0 ? 0 : static_cast<std::size_t>(got)] = '\0';
}

std::optional<SchedStat> SchedStatSpan::difference() const {
  const auto from = parse(begin_.data());
  const auto to = parse(end_.data());
  if (!from || !to) return std::nullopt;
  return SchedStat{to->on_cpu_ns - from->on_cpu_ns, to->run_delay_ns - from->run_delay_ns,
                   to->timeslices - from->timeslices};
}

}  // namespace vmflow::ground_truth
