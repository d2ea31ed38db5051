// SPDX-License-Identifier: GPL-2.0-only
// Ready time by who held the CPU, as a page has it.
#pragma once

#include <map>
#include <string>

#include "figure.h"
#include "page.h"

namespace vmflow::lab {

inline constexpr const char* kCulprits[] = {"other_vm",      "own_vm", "host_task",
                                            "kernel_thread", "none",   "unknown"};

/// Seconds by culprit, of waits that have ended; all of them as "all".
using Culprits = std::map<std::string, double>;

inline Culprits culprits_of(const Page& page, const std::string& vm) {
  Culprits by;
  for (const auto* culprit : kCulprits)
    by["all"] += by[culprit] =
        page.sum("vmflow_vm_ready_by_culprit_seconds_total", {{"vm", vm}, {"culprit", culprit}});
  return by;
}

/// One row of the confusion matrix: shares of `of` seconds.
inline void show_culprits(const std::string& what, const Culprits& by, double of) {
  std::string line = fmt::format("{:<30} ready {:>6.3f} s:", what, of);
  for (const auto* culprit : kCulprits)
    line += fmt::format(" {} {:.2f}%", culprit, 100 * by.at(culprit) / of);
  figure("{}", line);
}

}  // namespace vmflow::lab
