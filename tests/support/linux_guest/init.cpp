// SPDX-License-Identifier: GPL-2.0-only
// Process 1 of the Linux guest. Its serial console says, one line each, with times on the guest's
// CLOCK_MONOTONIC:
//
//   linux guest is up NS
//   ready            with go=1: it spins until a byte arrives, so that no halt is open
//   work begins NS   without go=1, where something may be printed inside the phase
//   work ends NS     with go=1 it spins until a second byte arrives
//   truth NAME VALUE begins_ns, ends_ns; interrupts.LINE in the phase; what the work adds
//   truths end
//
// and then it sleeps for good.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "guest.h"
#include "interrupts.h"

namespace vmflow::linux_guest {
namespace {

// The place to add a workload.
const Work* const kWorks[] = {&kIdle, &kTimer, &kDisk, &kNested};

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

void spin_until_told() {
  char byte;
  while (read(STDIN_FILENO, &byte, 1) != 1) {
  }
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
  say("linux guest is up " + std::to_string(now_ns()));
  if (is_told) {
    say("ready");
    spin_until_told();
  } else {
    say("work begins " + std::to_string(now_ns()));
  }
  auto counts = interrupts();
  const int64_t begins = now_ns();
  work.run(options);
  const int64_t ends = now_ns();
  for (const auto& [line, count] : interrupts())
    if (count != counts[line]) truths()["interrupts." + line] = count - counts[line];
  say("work ends " + std::to_string(ends));
  if (is_told) spin_until_told();
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
  run(Options::parse(read_file("/proc/cmdline")));
  for (;;) pause();
}
