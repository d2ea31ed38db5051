// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/doctor_look.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "agent/sources/proc_files.h"

namespace vmflow {
namespace {

constexpr size_t kMostOfLine = 200;

std::filesystem::path below(const DoctorHost& host, std::string_view path) {
  return host.root / std::filesystem::path(path).relative_path();
}

}  // namespace

CheckFinding fine(std::string found) {
  return {Health::ok, std::move(found), ""};
}
CheckFinding degraded(std::string found, std::string remedy) {
  return {Health::degraded, std::move(found), std::move(remedy)};
}
CheckFinding missing(std::string found, std::string remedy) {
  return {Health::missing, std::move(found), std::move(remedy)};
}
CheckFinding cannot_tell(std::string found, std::string remedy) {
  return {Health::unknown, std::move(found), std::move(remedy)};
}

bool is_there(const DoctorHost& host, std::string_view path) {
  std::error_code ignored;
  return std::filesystem::exists(below(host, path), ignored);
}

std::string text_at(const DoctorHost& host, std::string_view path) {
  std::error_code ignored;  // a pipe or a device could keep the reader waiting
  return std::filesystem::is_regular_file(below(host, path), ignored)
             ? read_proc_file(below(host, path))
             : "";
}

std::string line_at(const DoctorHost& host, std::string_view path) {
  const auto text = text_at(host, path);
  return text.substr(0, std::min(text.find('\n'), kMostOfLine));
}

std::optional<int64_t> number_at(const DoctorHost& host, std::string_view path) {
  const auto line = line_at(host, path);
  int64_t number = 0;
  const auto read = std::from_chars(line.data(), line.data() + line.size(), number);
  if (read.ec != std::errc() || read.ptr != line.data() + line.size()) return std::nullopt;
  return number;
}

std::string value_at(const DoctorHost& host, std::string_view path, std::string_view key) {
  std::istringstream lines(text_at(host, path));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const auto begin = line.find_first_not_of(" \t:", key.size());
    return begin == std::string::npos ? "" : line.substr(begin, 4096);
  }
  return "";
}

bool has_word(std::string_view text, std::string_view word) {
  constexpr std::string_view kBlanks = " \t\n,";
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto end = at + word.size();
    if ((at == 0 || kBlanks.find(text[at - 1]) != kBlanks.npos) &&
        (end == text.size() || kBlanks.find(text[end]) != kBlanks.npos))
      return true;
  }
  return false;
}

bool is_command_there(const DoctorHost& host, std::string_view program) {
  return std::ranges::any_of(
      std::initializer_list<const char*>{"usr/bin", "usr/sbin", "bin", "sbin", "usr/local/bin"},
      [&](const char* folder) { return is_there(host, fmt::format("{}/{}", folder, program)); });
}

// The second of the four numbers is the effective one.
bool caller_is_root(const DoctorHost& host) {
  std::istringstream ids(value_at(host, "proc/self/status", "Uid:"));
  uint64_t real = 1, effective = 1;
  return ids >> real >> effective && effective == 0;
}

bool runs_systemd(const DoctorHost& host) {
  return is_there(host, "run/systemd/system");
}

bool agent_is_attached(const DoctorHost& host) {
  return host.agent && host.agent->problem.empty() && host.agent->is_ready;
}

std::string as_root(const DoctorHost& host, const std::string& command) {
  return caller_is_root(host) ? command : "sudo " + command;
}

std::string line_as_root(const DoctorHost& host, const std::string& line) {
  return caller_is_root(host) ? line : "sudo sh -c " + shell_word(line);
}

std::string boot_with(const DoctorHost& host, const std::string& parameter) {
  if (is_command_there(host, "grubby"))
    return as_root(host, "grubby --update-kernel=ALL --args=" + shell_word(parameter));
  return line_as_root(
      host, fmt::format("sed -i 's/^GRUB_CMDLINE_LINUX=\"/&{} /' /etc/default/grub && update-grub",
                        parameter));
}

std::string install(const DoctorHost& host, const std::string& package) {
  const auto* manager = is_command_there(host, "apt-get")  ? "apt-get"
                        : is_command_there(host, "dnf")    ? "dnf"
                        : is_command_there(host, "zypper") ? "zypper"
                                                           : "apt-get";
  return as_root(host, fmt::format("{} install {}", manager, package));
}

std::string shell_word(const std::string& text) {
  const bool is_plain = !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("/._-+=:@,%").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (is_plain) return text;
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::vector<std::pair<std::string_view, double>> series_of(const AgentWords& agent,
                                                           std::string_view metric) {
  std::vector<std::pair<std::string_view, double>> series;
  for (const std::string_view line : agent.lines) {
    const auto value = line.rfind(' ');
    if (!line.starts_with(metric) || value == line.npos || value < metric.size()) continue;
    if (line[metric.size()] != '{' && line[metric.size()] != ' ') continue;
    series.emplace_back(line.substr(0, value),
                        std::strtod(std::string(line.substr(value + 1)).c_str(), nullptr));
  }
  return series;
}

std::optional<double> sum_of(const AgentWords& agent, std::string_view metric) {
  const auto series = series_of(agent, metric);
  if (series.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [line, value] : series) sum += value;
  return sum;
}

std::string label_of(std::string_view line, std::string_view label) {
  const auto begin = line.find(fmt::format("{}=\"", label));
  if (begin == line.npos) return "";
  const auto rest = line.substr(begin + label.size() + 2);
  return std::string(rest.substr(0, std::min(rest.find('"'), kMostOfLine)));
}

}  // namespace vmflow
