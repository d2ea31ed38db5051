// SPDX-License-Identifier: GPL-2.0-only
// The confusion matrix: a row for each phase of a guest, its truth beside the reasons that were
// reported, in time.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <thread>

#include "figure.h"
#include "guest.h"
#include "page.h"
#include "shared_agent.h"

namespace vmflow::lab {

inline constexpr const char* kWaitReasons[] = {"timer",  "disk",   "net",         "task",
                                               "memory", "device", "passthrough", "unknown"};

/// Seconds by reason, and all of them as "halted".
using Waits = std::map<std::string, double>;

inline Waits waits_of(const Page& page, const std::string& vm) {
  Waits waits;
  for (const auto* reason : kWaitReasons)
    waits["halted"] += waits[reason] =
        page.sum("vmflow_vm_wait_seconds_total", {{"vm", vm}, {"reason", reason}});
  return waits;
}

inline Waits operator-(Waits after, const Waits& before) {
  for (auto& [reason, seconds] : after) seconds -= before.at(reason);
  return after;
}

inline void show_head() {
  std::string line = fmt::format("{:<34} {:<7} {:>8}", "guest", "truth", "halted s");
  for (const auto* reason : kWaitReasons) line += fmt::format(" {:>11}", reason);
  figure("{}", line);
}

inline void show_row(const std::string& what, const std::string& truth, const Waits& waits) {
  std::string line = fmt::format("{:<34} {:<7} {:>8.3f}", what, truth, waits.at("halted"));
  for (const auto* reason : kWaitReasons)
    line += fmt::format(" {:>10.2f}%", 100 * waits.at(reason) / waits.at("halted"));
  figure("{}", line);
}

/// The workload phase of a guest: without the start of its VM, in which KVM itself wakes a vCPU
/// once to set its clock (kvmclock_update_work, after 100 ms). That is nobody's interrupt, so
/// unknown.
class GuestPhase {
 public:
  explicit GuestPhase(Guest& guest) : guest_(guest) {
    while (agent().scrape().vm_of(guest.pid()).empty())
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    const auto page = agent().scrape();
    before_ = waits_of(page, page.vm_of(guest.pid()));
  }
  /// Ends with the guest; one row of the confusion matrix.
  Waits end(const std::string& what, const std::string& truth) {
    guest_.truth();
    const auto page = agent().scrape();
    const auto waits = waits_of(page, page.vm_of(guest_.pid())) - before_;
    show_row(what, truth, waits);
    return waits;
  }

 private:
  Guest& guest_;
  Waits before_;
};

}  // namespace vmflow::lab
