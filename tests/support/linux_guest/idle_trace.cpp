// SPDX-License-Identifier: GPL-2.0-only
#include "idle_trace.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

// CPUs whose idle time is followed.
constexpr size_t kMostCpus = 64;

void set(const std::string& name, const std::string& value) {
  const int file = open(("/trace/" + name).c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, value.data(), value.size()) != static_cast<ssize_t>(value.size()))
    fail("cannot set " + name + " of the trace");
  close(file);
}

/// One line of a trace: `  task-pid  [000] flags  5.123456: event: details`.
struct Line {
  size_t cpu = 0;
  int64_t ns = 0;
  std::string event, details;
};

bool parse_line(const std::string& text, Line& line) {
  const auto bracket = text.find(" [");
  if (bracket == std::string::npos || text[0] == '#') return false;
  std::istringstream words(text.substr(bracket + 2));
  std::string cpu, flags, time;
  words >> cpu >> flags >> time >> line.event;
  const auto point = time.find('.');
  if (point == std::string::npos || line.event.empty()) return false;
  line.cpu = std::stoul(cpu);
  line.ns = (std::stoll(time) * 1'000'000 + std::stoll(time.substr(point + 1))) * 1000;
  line.event.pop_back();  // its colon
  std::getline(words, line.details);
  return line.cpu < kMostCpus;
}

/// What follows `key` in the details of an event.
std::string value_of(const std::string& details, const std::string& key) {
  const auto at = details.find(key);
  if (at == std::string::npos) return "";
  return details.substr(at + key.size(), details.find(' ', at + key.size()) - at - key.size());
}

/// The interrupt that an event is the beginning of; "" if of none.
std::string interrupt_of(const Line& line) {
  if (line.event == "irq_handler_entry") return value_of(line.details, "name=");
  if (line.event.ends_with("_entry")) return line.event.substr(0, line.event.size() - 6);
  return "";
}

}  // namespace

void prepare_idle_trace() {
  mkdir("/trace", 0755);
  if (mount("tracefs", "/trace", "tracefs", 0, nullptr) != 0 && errno != EBUSY)
    fail("mount /trace");
  set("tracing_on", "0");
  close(open("/trace/trace", O_WRONLY | O_TRUNC | O_CLOEXEC));  // forgets an earlier one
  set("trace_clock", "mono");
  set("buffer_size_kb", "2048");
  for (const auto* event : {"power/cpu_idle", "irq/irq_handler_entry", "irq_vectors"})
    set(std::string("events/") + event + "/enable", "1");
}

void begin_idle_trace() {
  set("tracing_on", "1");
}

void end_idle_trace() {
  set("tracing_on", "0");
}

std::map<std::string, int64_t> idle_by_interrupt(int64_t begins_ns, int64_t ends_ns) {
  return parse_idle_trace(read_file("/trace/trace"), begins_ns, ends_ns);
}

std::map<std::string, int64_t> parse_idle_trace(const std::string& text, int64_t begins_ns,
                                                int64_t ends_ns) {
  std::map<std::string, int64_t> idle;
  int64_t since[kMostCpus] = {};
  std::istringstream lines(text);
  Line line;
  for (std::string one; std::getline(lines, one);) {
    if (!parse_line(one, line)) continue;
    auto& since_ns = since[line.cpu];
    std::string ender;
    if (line.event == "cpu_idle") {
      if (value_of(line.details, "state=") != "4294967295") {
        since_ns = line.ns;
        continue;
      }
      ender = "none";
    } else {
      ender = interrupt_of(line);
    }
    if (ender.empty() || since_ns == 0) continue;
    const auto from = std::max(since_ns, begins_ns), to = std::min(line.ns, ends_ns);
    if (to > from) idle[ender] += to - from;
    since_ns = 0;
  }
  return idle;
}

}  // namespace vmflow::linux_guest
