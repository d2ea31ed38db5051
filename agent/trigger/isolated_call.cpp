// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/isolated_call.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

namespace vmflow {
namespace {

constexpr const char* kNoAnswer = "no answer within ";
constexpr size_t kMostBytes = 16 << 20;
// The first byte of an answer.
constexpr char kValue = 'v';
constexpr char kError = 'e';

using Clock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return number_; }
  void reset() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

/// A child of this process; killed, if need be, and always reaped.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    wait();
  }
  /// Its status as waitpid() has it; for a child that has closed its pipe.
  int wait() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

/// What is inherited and would outlive its use or reach the operator's terminal: sockets that
/// listen, links of BPF programs, what a library prints.
void cut_off(int keep, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  // What ends the agent ends this by the death of its parent, and not in the middle of a call.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_IGN);
  const int nothing = open("/dev/null", O_RDWR);
  for (const int number : {0, 1, 2})
    if (number != keep) dup2(nothing, number);
  if (keep > 3) close_range(3, static_cast<unsigned>(keep) - 1, 0);
  close_range(static_cast<unsigned>(std::max(keep, 2)) + 1, ~0U, 0);
}

std::string answer_of(const std::function<Result<std::string>()>& work) {
  try {
    auto result = work();
    return result ? kValue + *result : kError + result.error().message;
  } catch (const std::exception& thrown) {
    return kError + std::string(thrown.what());
  } catch (...) {
    return kError + std::string("an exception of unknown type");
  }
}

[[noreturn]] void answer(int pipe, const std::function<Result<std::string>()>& work) {
  const auto bytes = answer_of(work);
  for (size_t done = 0; done < bytes.size();) {
    const auto written = write(pipe, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR) break;
    if (written > 0) done += static_cast<size_t>(written);
  }
  _exit(0);  // no destructor, no exit handler: they belong to the parent
}

/// All that comes until the other end is closed; nullopt if that does not happen in time.
std::optional<std::string> read_until(int pipe, Clock::time_point end) {
  std::string bytes;
  std::array<char, 4096> part{};
  while (bytes.size() < kMostBytes) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    pollfd waited{.fd = pipe, .events = POLLIN, .revents = 0};
    if (poll(&waited, 1, static_cast<int>(left)) <= 0) continue;
    const auto got = read(pipe, part.data(), part.size());
    if (got == 0) return bytes;
    if (got > 0) bytes.append(part.data(), static_cast<size_t>(got));
  }
  return bytes;
}

}  // namespace

Result<std::string> call_isolated(std::chrono::milliseconds deadline,
                                  const std::function<Result<std::string>()>& work) {
  const auto end = Clock::now() + deadline;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failure(fmt::format("pipe: {}", std::strerror(errno)));
  const Descriptor reads(ends[0]);
  Descriptor writes(ends[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return failure(fmt::format("fork: {}", std::strerror(errno)));
  if (pid == 0) {
    cut_off(writes.get(), parent);
    answer(writes.get(), work);
  }
  Child child(pid);
  writes.reset();
  const auto bytes = read_until(reads.get(), end);
  if (!bytes) return failure(fmt::format("{}{} ms", kNoAnswer, deadline.count()));
  if (bytes->size() >= kMostBytes) return failure("the answer has no end");
  if (!bytes->empty() && bytes->front() == kValue) return bytes->substr(1);
  if (!bytes->empty()) return failure(bytes->substr(1));
  const int status = child.wait();
  return failure(WIFSIGNALED(status)
                     ? fmt::format("the call died of signal {}", WTERMSIG(status))
                     : fmt::format("the call ended with status {}", WEXITSTATUS(status)));
}

bool did_not_answer(const Error& error) {
  return error.message.find(kNoAnswer) != std::string::npos;
}

}  // namespace vmflow
