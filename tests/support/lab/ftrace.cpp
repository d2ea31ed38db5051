// SPDX-License-Identifier: GPL-2.0-only
#include "ftrace.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace vmflow::lab {
namespace {

const std::filesystem::path kInstance = "/sys/kernel/tracing/instances/vmflow_test";

void set(const std::string& file, const std::string& value) {
  std::ofstream out(kInstance / file);
  out << value << std::flush;
  if (!out) throw std::runtime_error("cannot write " + value + " to " + file);
}

}  // namespace

Ftrace::Ftrace(const std::vector<std::string>& events) {
  std::filesystem::create_directory(kInstance);
  set("trace_clock", "mono");
  set("buffer_size_kb", "65536");
  for (const auto& event : events) set("events/sched/" + event + "/enable", "1");
  set("tracing_on", "1");
}

Ftrace::~Ftrace() {
  std::error_code ignored;
  std::filesystem::remove(kInstance, ignored);  // one rmdir: its files go with it
}

std::string Ftrace::lines() const {
  std::ostringstream text;
  text << std::ifstream(kInstance / "trace").rdbuf();
  return text.str();
}

void Ftrace::stop() {
  set("tracing_on", "0");
}

long Ftrace::lost() const {
  long lost = 0;
  for (const auto& cpu : std::filesystem::directory_iterator(kInstance / "per_cpu")) {
    std::ifstream stats(cpu.path() / "stats");
    for (std::string line; std::getline(stats, line);)
      if (line.starts_with("overrun: ")) lost += std::stol(line.substr(9));
  }
  return lost;
}

double exit_seconds(const std::string& lines, int tid) {
  const std::regex ended(R"(\s(\d+\.\d+): sched_process_exit: .* pid=)" + std::to_string(tid) +
                         " ");
  std::smatch match;
  if (!std::regex_search(lines, match, ended))
    throw std::runtime_error("no end of thread " + std::to_string(tid));
  return std::stod(match[1]);
}

}  // namespace vmflow::lab
