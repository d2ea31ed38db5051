// SPDX-License-Identifier: GPL-2.0-only
// What the works of the Linux guest share. They run as process 1: whatever fails ends the guest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vmflow::linux_guest {

/// `work=NAME,key=value…` of the kernel's command line.
class Options {
 public:
  /// One for each `work=` of the whole command line, in its order; an idle one if there is none.
  static std::vector<Options> parse(const std::string& command_line);
  const std::string& work() const { return work_; }
  std::string text(const std::string& key, const std::string& otherwise) const;
  int64_t number(const std::string& key, int64_t otherwise) const;

 private:
  std::string work_ = "idle";
  std::map<std::string, std::string> values_;
};

/// A workload. It runs between the two counts of interrupts, and prints nothing meanwhile.
struct Work {
  const char* name;
  /// Modules that it needs, each with what that depends on; "" for none. Separated by spaces.
  const char* modules;
  /// Before the phase; nullptr: nothing to prepare.
  void (*prepare)(const Options& options);
  void (*run)(const Options& options);
};

extern const Work kIdle, kAlive, kTimer, kDisk, kMixed, kMemory, kNested, kNet, kProcesses,
    kPipeline, kServer;

/// Guest-side truths, printed at the end as `truth NAME VALUE`. Names have no spaces.
std::map<std::string, int64_t>& truths();

/// What a work has to say in words, printed at the end as `report TEXT`, one line each.
std::vector<std::string>& reports();

/// Units: nanoseconds of the guest's CLOCK_MONOTONIC.
int64_t now_ns();
void sleep_until(int64_t ns);

/// The calling thread runs nowhere else.
void keep_to_cpu(size_t cpu);

/// Prints one line to the serial console and returns when the last character has left.
void say(const std::string& line);

/// Loads a module and what it depends on, from the lists that make_image.sh has made.
void load_module(const std::string& name);

/// Ends the guest with `what` and errno's text on the console.
[[noreturn]] void fail(const std::string& what);

/// Content of a small file. Ends the guest if it cannot be read.
std::string read_file(const std::string& path);

}  // namespace vmflow::linux_guest
