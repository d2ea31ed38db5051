// SPDX-License-Identifier: GPL-2.0-only
// Guests of this guest: runs ground_truth on its own KVM, and reports what that knows.
//   nested,guest0=cpuid+--count+3001,guest1=…    arguments, joined by '+'; all guests at once
// Each reports `nested N JSON`.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "guest.h"

namespace vmflow::linux_guest {
namespace {

struct NestedGuest {
  std::string name;
  pid_t pid = 0;
  int out = -1;
};

NestedGuest start(const std::string& name, const std::string& arguments) {
  std::vector<std::string> words{"ground_truth"};
  std::istringstream text(arguments);
  for (std::string word; std::getline(text, word, '+');) words.push_back(word);
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  NestedGuest guest{name, fork(), ends[0]};
  if (guest.pid < 0) fail("fork");
  if (guest.pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execv("/bin/ground_truth_static", argv.data());
    _exit(127);
  }
  close(ends[1]);
  return guest;
}

void finish(const NestedGuest& guest) {
  std::string all;
  char part[4096];
  for (ssize_t got; (got = read(guest.out, part, sizeof(part))) > 0;)
    all.append(part, static_cast<size_t>(got));
  close(guest.out);
  int status = 0;
  waitpid(guest.pid, &status, 0);
  errno = 0;
  if (status != 0) fail(guest.name + " ended with " + std::to_string(status));
  reports().push_back("nested " + guest.name + " " + all.substr(0, all.find('\n')));
}

void run_guests(const Options& options) {
  std::vector<NestedGuest> guests;
  for (const auto* name : {"guest0", "guest1"}) {
    const auto arguments = options.text(name, "");
    if (!arguments.empty()) guests.push_back(start(name, arguments));
  }
  for (const auto& guest : guests) finish(guest);
}

}  // namespace

const Work kNested{"nested", "kvm_amd", nullptr, run_guests};

}  // namespace vmflow::linux_guest
