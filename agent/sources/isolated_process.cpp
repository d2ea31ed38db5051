// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/isolated_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <utility>

namespace vmflow {
namespace {

constexpr size_t kHeader = 5;  // kind, length
constexpr uint32_t kMostFrameBytes = 64 << 20;
constexpr int kPipeBytes = 1 << 20;
constexpr int kChildPipe = 3;

// Sanitizers reserve address space without end.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kLimitsMemory = false;
#else
constexpr bool kLimitsMemory = true;
#endif

void limit(int resource, uint64_t value) {
  const rlimit both{value, value};
  setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

uint64_t address_space_bytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// A terminal or a service manager may send its signals to both: the parent decides what they mean,
// and none ends a call in the middle.
void confine(const ChildLimits& limits, int fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGSEGV, SIGABRT}) signal(number, SIG_DFL);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) signal(number, SIG_IGN);
  dup2(fd, kChildPipe);
  close_range(kChildPipe + 1, ~0u, 0);
  const int null = open("/dev/null", O_RDWR);
  for (const int standard : {0, 1, 2}) dup2(null, standard);
  if (null > kChildPipe) close(null);
  limit(RLIMIT_CORE, 0);
  if (!limits.may_write_files) limit(RLIMIT_FSIZE, 0);
  if (limits.cpu_seconds != 0) limit(RLIMIT_CPU, limits.cpu_seconds);
  if (kLimitsMemory && limits.memory_bytes != 0)
    limit(RLIMIT_AS, address_space_bytes() + limits.memory_bytes);
}

[[noreturn]] void run_child(const ChildLimits& limits, int fd, pid_t parent,
                            const std::function<void(FrameWriter&)>& body) {
  confine(limits, fd, parent);
  FrameWriter writer(kChildPipe);
  try {
    body(writer);
  } catch (const std::bad_alloc&) {
    writer.send(FrameKind::kError, "it needs more memory than it may take");
  } catch (const std::exception& error) {
    writer.send(FrameKind::kError, error.what());
  } catch (...) {
    writer.send(FrameKind::kError, "an exception of unknown type");
  }
  _exit(0);
}

}  // namespace

void FrameWriter::send(FrameKind kind, std::string_view bytes) {
  std::array<char, kHeader> header{static_cast<char>(kind)};
  const auto length = static_cast<uint32_t>(bytes.size());
  std::memcpy(header.data() + 1, &length, sizeof(length));
  std::array<iovec, 2> parts{
      {{header.data(), header.size()}, {const_cast<char*>(bytes.data()), bytes.size()}}};
  while (parts[0].iov_len + parts[1].iov_len > 0) {
    const auto written = writev(fd_, parts.data(), parts.size());
    if (written < 0 && errno != EINTR) _exit(1);
    auto taken = static_cast<size_t>(std::max<ssize_t>(written, 0));
    for (auto& part : parts) {
      const auto of_part = std::min(taken, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + of_part;
      part.iov_len -= of_part;
      taken -= of_part;
    }
  }
}

Result<IsolatedProcess> IsolatedProcess::start(const ChildLimits& limits,
                                               const std::function<void(FrameWriter&)>& body) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return failure(fmt::format("no pipe to a child process: {}", strerror(errno)));
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) run_child(limits, ends[1], parent, body);
  const int reason = errno;
  close(ends[1]);
  IsolatedProcess process(pid, ends[0], limits.cpu_seconds != 0);
  if (pid < 0) return failure(fmt::format("no child process: {}", strerror(reason)));
  return process;
}

IsolatedProcess::IsolatedProcess(IsolatedProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      fd_(std::exchange(other.fd_, -1)),
      has_cpu_limit_(other.has_cpu_limit_),
      is_silent_(other.is_silent_),
      is_stopped_(other.is_stopped_),
      bytes_(std::move(other.bytes_)),
      taken_(other.taken_) {}

IsolatedProcess::~IsolatedProcess() {
  if (fd_ >= 0) close(fd_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<Frame> IsolatedProcess::take_frame() {
  if (bytes_.size() - taken_ < kHeader) return std::nullopt;
  uint32_t length = 0;
  std::memcpy(&length, bytes_.data() + taken_ + 1, sizeof(length));
  // What is no frame ends the reading as one that nobody understands.
  if (length > kMostFrameBytes) return Frame{FrameKind::kError, "it sent what is no event"};
  if (bytes_.size() - taken_ < kHeader + length) return std::nullopt;
  Frame frame{static_cast<FrameKind>(bytes_[taken_]), bytes_.substr(taken_ + kHeader, length)};
  taken_ += kHeader + length;
  if (taken_ == bytes_.size()) {
    bytes_.clear();
    taken_ = 0;
  }
  return frame;
}

Error IsolatedProcess::how_it_ended() {
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (ended < 0) return {"its end was taken by someone else"};
  if (!WIFSIGNALED(status)) return {fmt::format("it ended with status {}", WEXITSTATUS(status))};
  const int number = WTERMSIG(status);
  // RLIMIT_CPU kills at once where both its limits are the same.
  if (has_cpu_limit_ && (number == SIGXCPU || number == SIGKILL))
    return {"it took more CPU time than it may, or was killed"};
  return {fmt::format("it died of signal {} ({})", number, strsignal(number))};
}

Result<Frame> IsolatedProcess::next(std::chrono::milliseconds silence, int stop_fd) {
  while (true) {
    if (auto frame = take_frame()) return std::move(*frame);
    std::array<pollfd, 2> watched{{{fd_, POLLIN, 0}, {stop_fd, POLLIN, 0}}};
    const int ready = poll(watched.data(), watched.size(), static_cast<int>(silence.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      is_silent_ = true;
      return failure(fmt::format("it was silent for {} s: it hangs", silence.count() / 1000.0));
    }
    if (watched[1].revents != 0) {
      is_stopped_ = true;
      return failure("it is not waited for any more");
    }
    if (taken_ > 0) bytes_.erase(0, std::exchange(taken_, 0));
    std::array<char, 1 << 16> part;
    const auto count = read(fd_, part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return tl::unexpected<Error>(how_it_ended());
    bytes_.append(part.data(), static_cast<size_t>(count));
  }
}

}  // namespace vmflow
