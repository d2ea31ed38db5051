// SPDX-License-Identifier: GPL-2.0-only
#include "linux_guest.h"

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace vmflow::lab {
namespace {

constexpr int kMostGuests = 2;
constexpr int kAttempts = 3;
constexpr std::chrono::seconds kMostToBoot{40};

int guests = 0;

void pause() {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

std::vector<std::string> command(const LinuxGuestSetup& setup) {
  std::string works = " work=" + setup.work;
  for (const auto& work : setup.then) works += " work=" + work;
  std::vector<std::string> all = {
      "taskset",
      "-c",
      setup.cpus,
      "qemu-system-x86_64",
      "-accel",
      "kvm",
      "-cpu",
      setup.cpu,
      "-smp",
      std::to_string(setup.vcpus),
      "-m",
      std::to_string(setup.memory_mib),
      "-nodefaults",
      "-display",
      "none",
      "-monitor",
      "none",
      "-no-reboot",
      "-serial",
      "stdio",
      "-kernel",
      linux_guest_kernel(),
      "-initrd",
      linux_guest_initrd(),
      "-append",
      "console=ttyS0 quiet mitigations=off tsc=reliable panic=-1 " + setup.kernel + works};
  all.insert(all.end(), setup.qemu.begin(), setup.qemu.end());
  return all;
}

}  // namespace

std::string linux_guest_kernel() {
  return LINUX_GUEST_DIR "/kernel";
}
std::string linux_guest_initrd() {
  return LINUX_GUEST_DIR "/initrd";
}

LinuxGuest::LinuxGuest(LinuxGuestSetup setup)
    : setup_(std::move(setup)), is_told_(setup_.work.find(",go=1") != std::string::npos) {
  for (int attempt = 1; attempt <= kAttempts; attempt++) {
    process_ = std::make_unique<Process>(command(setup_));
    if (comes_up()) return;
    std::printf("     the Linux guest did not come up at attempt %d: %s\n", attempt,
                console().substr(0, 400).c_str());
  }
  throw std::runtime_error("the Linux guest does not boot:\n" + console() + process_->err());
}

LinuxGuest::Place::Place() {
  if (guests >= kMostGuests) throw std::runtime_error("more than two Linux guests at once");
  guests++;
}
LinuxGuest::Place::~Place() {
  guests--;
}

bool LinuxGuest::comes_up() {
  const auto deadline = std::chrono::steady_clock::now() + kMostToBoot;
  const std::string last = is_told_ ? "ready\r\n" : "linux guest is up";
  while (console().find(last) == std::string::npos) {
    if (!process_->is_running() || std::chrono::steady_clock::now() > deadline) return false;
    // A wrong work or a missing device fails every time.
    if (console().find("linux guest failed: ") != std::string::npos)
      throw std::runtime_error(console());
    pause();
  }
  return true;
}

std::string LinuxGuest::console() const {
  return process_->out();
}

std::string LinuxGuest::wait_for(const std::string& marker) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(setup_.most_to_wait_s);
  for (;;) {
    const bool is_running = process_->is_running() && std::chrono::steady_clock::now() < deadline;
    const auto text = console().substr(phase_from_);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with(marker) || !line.ends_with('\r')) continue;
      line.pop_back();
      return line.size() > marker.size() ? line.substr(marker.size() + 1) : "";
    }
    if (!is_running || text.find("linux guest failed: ") != std::string::npos)
      throw std::runtime_error("no \"" + marker + "\" from the Linux guest:\n" + text +
                               process_->err());
    pause();
  }
}

void LinuxGuest::begin() {
  wait_for("ready");
  process_->write("\n");
}

void LinuxGuest::wait_for_end() {
  wait_for("work ends");
}

std::map<std::string, int64_t> LinuxGuest::truth() {
  wait_for_end();
  if (is_told_) process_->write("\n");
  wait_for("truths end");
  std::map<std::string, int64_t> truth;
  const auto text = console().substr(phase_from_);
  const std::string end = "truths end";
  const auto ends = text.find(end) + end.size();
  phase_from_ += ends;
  std::istringstream lines(text.substr(0, ends));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, name;
    int64_t value = 0;
    if (words >> word >> name >> value && word == "truth") truth[name] = value;
  }
  return truth;
}

void LinuxGuest::stop() {
  process_->signal(SIGTERM);
  process_->wait();
}

}  // namespace vmflow::lab
