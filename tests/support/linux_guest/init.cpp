// SPDX-License-Identifier: GPL-2.0-only
// Process 1 of the Linux guest: one phase after the other. Its serial console says of each, one
// line each, with times on the guest's CLOCK_MONOTONIC:
//
//   linux guest is up NS
//   ready              with go=1: all CPUs spin until a byte arrives, so that no halt is open
//   work begins NS     without go=1, where something may be printed inside the phase
//   work ends NS       with go=1 they spin until a second byte arrives
//   truth NAME VALUE   begins_ns, ends_ns; interrupts.LINE in the phase; with trace=1
//                      idle.INTERRUPT, the idle time that it ended; what the work adds
//   truths end
//
// and after the last phase it sleeps for good.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <sstream>
#include <thread>

#include "gs_base.h"
#include "guest.h"
#include "idle_trace.h"
#include "interrupts.h"

namespace vmflow::linux_guest {
namespace {

// The place to add a workload.
const Work* const kWorks[] = {&kIdle,   &kAlive, &kTimer,     &kDisk,     &kMixed,  &kMemory,
                              &kNested, &kNet,   &kProcesses, &kPipeline, &kServer, &kChain};

void mount_kernel_files() {
  const struct {
    const char *type, *where;
  } all[] = {{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}};
  for (const auto& one : all) {
    mkdir(one.where, 0755);
    if (mount(one.type, one.where, one.type, 0, nullptr) != 0 && errno != EBUSY)
      fail(std::string("mount ") + one.where);
  }
}

// What comes in is a signal, not text to be echoed.
void make_console_raw() {
  termios console{};
  if (tcgetattr(STDIN_FILENO, &console) != 0) return;
  cfmakeraw(&console);
  console.c_oflag |= OPOST | ONLCR;
  tcsetattr(STDIN_FILENO, TCSANOW, &console);
  fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
}

// Keeps the CPU busy for a moment, and in the kernel: see gs_base.h for what happens to others.
void burn(int zeroes) {
  static thread_local char buffer[1 << 18];
  if (read(zeroes, buffer, sizeof(buffer)) < 0) fail("/dev/zero");
}

// On all CPUs: the idle time of another one would reach into the phase.
void spin_until_told() {
  const int zeroes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  std::atomic<bool> is_told = false;
  std::vector<std::jthread> others;
  for (size_t cpu = 1; cpu < static_cast<size_t>(sysconf(_SC_NPROCESSORS_ONLN)); cpu++)
    others.emplace_back([&, cpu] {
      keep_to_cpu(cpu);
      while (!is_told) burn(zeroes);
    });
  for (char byte; read(STDIN_FILENO, &byte, 1) != 1;) burn(zeroes);
  is_told = true;
  others.clear();  // joins
  close(zeroes);
}

const Work& work_of(const Options& options) {
  for (const auto* work : kWorks)
    if (options.work() == work->name) return *work;
  errno = EINVAL;
  fail("no such work " + options.work());
}

void run(const Options& options) {
  const Work& work = work_of(options);
  std::istringstream modules(work.modules);
  for (std::string module; modules >> module;) load_module(module);
  if (work.prepare) work.prepare(options);
  const bool is_told = options.number("go", 0) != 0;
  const bool is_traced = options.number("trace", 0) != 0;
  if (is_traced) prepare_idle_trace();
  truths().clear();
  say("linux guest is up " + std::to_string(now_ns()));
  if (is_told) {
    say("ready");
    spin_until_told();
  } else {
    say("work begins " + std::to_string(now_ns()));
  }
  auto counts = interrupts();
  if (is_traced) begin_idle_trace();
  const int64_t begins = now_ns();
  work.run(options);
  const int64_t ends = now_ns();
  if (is_traced) end_idle_trace();
  for (const auto& [line, count] : interrupts())
    if (count != counts[line]) truths()["interrupts." + line] = count - counts[line];
  say("work ends " + std::to_string(ends));
  if (is_told) spin_until_told();
  if (is_traced)
    for (const auto& [what, ns] : idle_by_interrupt(begins, ends)) truths()["idle." + what] = ns;
  truths()["begins_ns"] = begins;
  truths()["ends_ns"] = ends;
  for (const auto& [name, value] : truths()) say("truth " + name + " " + std::to_string(value));
  for (const auto& text : reports()) say("report " + text);
  say("truths end");
}

}  // namespace
}  // namespace vmflow::linux_guest

int main() {
  using namespace vmflow::linux_guest;
  // It mounts, and may reboot: only where it is the guest's own process 1.
  if (getpid() != 1) return 2;
  mount_kernel_files();
  make_console_raw();
  prepare_for_doubled_interrupts();
  if (sysconf(_SC_NPROCESSORS_ONLN) == 1) survive_doubled_interrupts(0);
  for (const auto& phase : Options::parse(read_file("/proc/cmdline"))) run(phase);
  for (;;) pause();
}
