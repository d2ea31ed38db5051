// SPDX-License-Identifier: GPL-2.0-only
#include "process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace vmflow::lab {
namespace {

std::string content(int file) {
  struct stat status {};
  if (fstat(file, &status) != 0) return "";
  std::string text(static_cast<size_t>(status.st_size), '\0');
  const auto got = pread(file, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Process::Process(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  in_ = ends[1];
  out_ = memfd_create("out", MFD_CLOEXEC);
  err_ = memfd_create("err", MFD_CLOEXEC);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[0], 0);
  posix_spawn_file_actions_adddup2(&files, out_, 1);
  posix_spawn_file_actions_adddup2(&files, err_, 2);
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int error = posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(ends[0]);
  if (error != 0) throw std::runtime_error("cannot start " + command[0] + ": " + strerror(error));
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      in_(std::exchange(other.in_, -1)),
      out_(std::exchange(other.out_, -1)),
      err_(std::exchange(other.err_, -1)),
      status_(other.status_) {}

Process::~Process() {
  if (pid_ > 0 && !status_) {
    kill(pid_, SIGKILL);
    reap(true);
  }
  for (const int file : {in_, out_, err_})
    if (file >= 0) close(file);
}

void Process::signal(int number) const {
  kill(pid_, number);
}

void Process::write(const std::string& text, bool last) {
  if (::write(in_, text.data(), text.size()) < 0) throw std::runtime_error("stdin is closed");
  if (last) close(std::exchange(in_, -1));
}

void Process::reap(bool block) {
  int status = 0;
  if (!status_ && waitpid(pid_, &status, block ? 0 : WNOHANG) == pid_)
    status_ = exit_status(status);
}

bool Process::is_running() {
  reap(false);
  return !status_;
}

std::optional<Finished> Process::wait(std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (is_running()) {
    if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return Finished{*status_, out(), err()};
}

std::string Process::out() const {
  return content(out_);
}
std::string Process::err() const {
  return content(err_);
}

Finished run(const std::vector<std::string>& command) {
  Process process(command);
  auto finished = process.wait();
  if (!finished) throw std::runtime_error(command[0] + " did not end");
  return *finished;
}

void must(const std::vector<std::string>& command) {
  if (const auto done = run(command); done.status != 0)
    throw std::runtime_error(command.front() + ": " + done.err);
}

void keep_to_first_cpu() {
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  if (sched_setaffinity(0, sizeof(first), &first) != 0)
    throw std::runtime_error("sched_setaffinity");
}

}  // namespace vmflow::lab
