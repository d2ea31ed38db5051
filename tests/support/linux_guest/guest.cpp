// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "gs_base.h"

namespace vmflow::linux_guest {

std::vector<Options> Options::parse(const std::string& command_line) {
  std::vector<Options> all;
  std::istringstream words(command_line);
  for (std::string word; words >> word;) {
    if (!word.starts_with("work=")) continue;
    auto& options = all.emplace_back();
    std::istringstream parts(word.substr(5));
    std::getline(parts, options.work_, ',');
    for (std::string part; std::getline(parts, part, ',');) {
      const auto equals = part.find('=');
      if (equals == std::string::npos) fail("no value: " + part);
      options.values_[part.substr(0, equals)] = part.substr(equals + 1);
    }
  }
  if (all.empty()) all.emplace_back();
  return all;
}

std::string Options::text(const std::string& key, const std::string& otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : found->second;
}

int64_t Options::number(const std::string& key, int64_t otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? otherwise : std::strtoll(found->second.c_str(), nullptr, 0);
}

std::map<std::string, int64_t>& truths() {
  static std::map<std::string, int64_t> all;
  return all;
}

std::vector<std::string>& reports() {
  static std::vector<std::string> all;
  return all;
}

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void sleep_until(int64_t ns) {
  const timespec until{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

void keep_to_cpu(size_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) fail("no CPU " + std::to_string(cpu));
  survive_doubled_interrupts(cpu);
}

void say(const std::string& line) {
  const std::string text = line + "\n";
  for (size_t done = 0; done < text.size();) {
    const auto wrote = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (wrote <= 0) break;
    done += static_cast<size_t>(wrote);
  }
  tcdrain(STDOUT_FILENO);
}

void load_module(const std::string& name) {
  std::istringstream files(read_file("/modules/" + name + ".list"));
  for (std::string file; std::getline(files, file);) {
    const int module = open(("/modules/" + file).c_str(), O_RDONLY | O_CLOEXEC);
    if (module < 0) fail("no module " + file);
    // Two lists may name the same one.
    if (syscall(SYS_finit_module, module, "", 0) != 0 && errno != EEXIST) fail("insmod " + file);
    close(module);
  }
}

void fail(const std::string& what) {
  say("linux guest failed: " + what + ": " + std::strerror(errno));
  reboot(RB_AUTOBOOT);
  abort();
}

std::string read_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path);
  std::string all;
  char part[4096];
  for (ssize_t got; (got = read(file, part, sizeof(part))) > 0;)
    all.append(part, static_cast<size_t>(got));
  close(file);
  return all;
}

}  // namespace vmflow::linux_guest
