// SPDX-License-Identifier: GPL-2.0-only
// Works of several processes in the guest: they compete for one CPU, or wait for each other, on one
// or on all. Each accounts for itself, as its own kernel counts.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

void burn_until(int64_t until_ns) {
  while (now_ns() < until_ns) {
  }
}

/// Of the calling process. Units: nanoseconds.
int64_t cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1'000'000'000 +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    read_end = ends[0];
    write_end = ends[1];
  }
  void send(int64_t value) const {
    if (write(write_end, &value, sizeof(value)) != sizeof(value)) _exit(1);
  }
  /// False: the other side is gone.
  bool receive(int64_t& value) const {
    return read(read_end, &value, sizeof(value)) == sizeof(value);
  }
};

/// A process of its own that says at its end what CPU time it took.
class Child {
 public:
  explicit Child(const std::function<void()>& work) {
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ != 0) return;
    work();
    taken_.send(cpu_ns());
    _exit(0);
  }
  int64_t taken_ns() const {
    int64_t ns = 0;
    int status = 0;
    if (!taken_.receive(ns) || waitpid(pid_, &status, 0) != pid_ || status != 0)
      fail("a child failed");
    return ns;
  }

 private:
  Pipe taken_;
  pid_t pid_ = -1;
};

void tell(const std::vector<Child>& children) {
  for (size_t i = 0; i < children.size(); i++)
    truths()["cpu_ns." + std::to_string(i)] = children[i].taken_ns();
}

// Each is nicer than the one before, so that their shares differ; with `threads` each has several.
void compete(const Options& options) {
  const int64_t until_ns = now_ns() + options.number("seconds", 6) * 1'000'000'000;
  const int64_t count = options.number("count", 3), threads = options.number("threads", 1);
  const auto nicer = static_cast<int>(options.number("nicer", 3));
  std::vector<Child> children;
  for (int i = 0; i < count; i++)
    children.emplace_back([=] {
      errno = 0;
      if (nice(i * nicer) == -1 && errno != 0) _exit(1);
      std::vector<std::jthread> others;
      for (int64_t thread = 1; thread < threads; thread++)
        others.emplace_back(burn_until, until_ns);
      burn_until(until_ns);
    });
  tell(children);
}

// The first computes and hands over, the second waits for that, computes less, and answers.
void hand_over(const Options& options) {
  const int64_t count = options.number("count", 200);
  const int64_t first_ns = options.number("first_us", 8000) * 1000;
  const int64_t second_ns = options.number("second_us", 2000) * 1000;
  const Pipe there, back;
  std::vector<Child> children;
  children.emplace_back([&] {
    int64_t value = 0;
    for (int64_t i = 0; i < count; i++) {
      burn_until(now_ns() + first_ns);
      there.send(i);
      if (!back.receive(value)) _exit(1);
    }
  });
  children.emplace_back([&] {
    int64_t value = 0;
    for (int64_t i = 0; i < count; i++) {
      if (!there.receive(value)) _exit(1);
      burn_until(now_ns() + second_ns);
      back.send(i);
    }
  });
  tell(children);
}

// A piece of work goes from stage to stage, the CPUs in turns, each computing less than the one
// before, and from the last back to the first. Beside them daemons wake up by themselves.
void hand_around(const Options& options) {
  const auto cpus = static_cast<size_t>(sysconf(_SC_NPROCESSORS_ONLN));
  const auto stages = static_cast<size_t>(options.number("stages", 3));
  const auto daemons = static_cast<size_t>(options.number("daemons", 2));
  const int64_t first_ns = options.number("first_us", 8000) * 1000;
  const int64_t pause_ns = options.number("pause_us", 150'000) * 1000;
  const int64_t until_ns = now_ns() + options.number("seconds", 6) * 1'000'000'000;
  constexpr int64_t kLast = -1;
  const std::vector<Pipe> before(stages);
  std::vector<Child> children;
  for (size_t i = 0; i < stages; i++)
    children.emplace_back([&, i] {
      keep_to_cpu(i % cpus);
      int64_t piece = 0;
      for (;;) {
        if (!(i == 0 && piece == 0) && !before[i].receive(piece)) _exit(1);
        if (i == 0) piece = now_ns() < until_ns ? piece + 1 : kLast;
        if (piece != kLast) burn_until(now_ns() + first_ns / static_cast<int64_t>(i + 1));
        if (piece != kLast || i + 1 < stages) before[(i + 1) % stages].send(piece);
        if (piece == kLast) return;
      }
    });
  for (size_t i = 0; i < daemons; i++)
    children.emplace_back([&, i] {
      keep_to_cpu(i % cpus);
      const int64_t every_ns = pause_ns + static_cast<int64_t>(i) * 7'000'000;
      for (int64_t at = now_ns(); at < until_ns; at += every_ns) {
        burn_until(now_ns() + first_ns / 8);
        sleep_until(at + every_ns);
      }
    });
  tell(children);
}

}  // namespace

const Work kChain{"chain", "", nullptr, hand_around};
const Work kProcesses{"processes", "", nullptr, compete};
const Work kPipeline{"pipeline", "", nullptr, hand_over};

}  // namespace vmflow::linux_guest
