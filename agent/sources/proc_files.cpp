// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/proc_files.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace vmflow {
namespace {

constexpr size_t kMostBytes = 1 << 20;  // a command line may be long; no file may be endless
constexpr int kStartTimeField = 22;     // of /proc/<pid>/stat, counted from 1

}  // namespace

std::string read_proc_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes;
  std::array<char, 4096> part{};
  while (bytes.size() < kMostBytes && (file.read(part.data(), part.size()) || file.gcount() > 0))
    bytes.append(part.data(), static_cast<size_t>(file.gcount()));
  return bytes;
}

// The name in parentheses may hold anything, a closing parenthesis too: fields are counted from the
// last one.
std::optional<uint64_t> start_ticks_of(const std::string& stat) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= kStartTimeField; i++)
    if (!(fields >> field)) return std::nullopt;
  return std::strtoull(field.c_str(), nullptr, 10);
}

double boot_unix_seconds(const std::string& proc) {
  std::istringstream lines(read_proc_file(proc + "/stat"));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  return 0;
}

double tick_seconds(uint64_t ticks) {
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace vmflow
