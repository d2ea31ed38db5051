// SPDX-License-Identifier: GPL-2.0-only
// lttng-sessiond in a test, and what its trace holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "process.h"

namespace vmflow::lab {

/// A session daemon in the foreground, as root's, with the kernel tracer. Destroyed: killed; what
/// it had started ends by itself.
class LttngDaemon {
 public:
  /// Returns when it answers. Errors: throws.
  explicit LttngDaemon(std::vector<std::string> flags = {});
  LttngDaemon(const LttngDaemon&) = delete;
  LttngDaemon& operator=(const LttngDaemon&) = delete;
  ~LttngDaemon();
  void signal(int number) { process_.signal(number); }
  /// SIGKILL to it alone.
  void kill();

 private:
  Process process_;
};

/// As long as it lives, the lab's kernel has none of LTTng's modules to load. Errors: throws.
class WithoutLttngModules {
 public:
  WithoutLttngModules();
  WithoutLttngModules(const WithoutLttngModules&) = delete;
  WithoutLttngModules& operator=(const WithoutLttngModules&) = delete;
  ~WithoutLttngModules();

 private:
  std::string folder_;
};

/// Processes whose command name begins with `lttng`, without those that have ended.
std::vector<std::string> lttng_processes();

/// What babeltrace2 prints of the trace, a line for each event. Errors: throws with what it says.
std::vector<std::string> events_of(const std::string& trace);

/// How many events each name has.
std::map<std::string, int> count_names(const std::vector<std::string>& events);

}  // namespace vmflow::lab
