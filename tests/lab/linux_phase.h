// SPDX-License-Identifier: GPL-2.0-only
// A phase of a Linux guest as a row of the confusion matrix, beside what the guest's own kernel
// recorded: the time of its idle intervals by the interrupt that ended each.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "attempts.h"
#include "linux_guest.h"
#include "shared_agent.h"
#include "wait_matrix.h"

namespace vmflow::lab {

/// What an interrupt means, by the name that the guest's kernel has for it.
inline std::string reason_of_interrupt(const std::string& name) {
  if (name == "local_timer") return "timer";
  if (name == "reschedule" || name.starts_with("call_function")) return "task";
  if (name.find("-req") != std::string::npos) return "disk";
  if (name.find("-input") != std::string::npos || name.find("-output") != std::string::npos)
    return "net";
  return name == "none" ? "unknown" : "device";
}

struct LinuxPhase {
  Waits reported;
  Waits recorded;      ///< by the guest
  double pending = 0;  ///< halted with a disk request in flight, reported
  std::map<std::string, int64_t> truth;
};

/// Runs the next phase of `guest`, whose work has go=1 and trace=1; shows two rows.
inline LinuxPhase run_phase(LinuxGuest& guest, const std::string& what, const std::string& truth) {
  guest.wait_for("ready");
  const auto before = agent().scrape();
  const auto vm = before.vm_of(guest.pid());
  guest.begin();
  guest.wait_for_end();
  const auto after = agent().scrape();
  LinuxPhase phase;
  const Labels of_vm{{"vm", vm}};
  phase.reported = waits_of(after, vm) - waits_of(before, vm);
  phase.pending = after.sum("vmflow_vm_halted_io_pending_seconds_total", of_vm) -
                  before.sum("vmflow_vm_halted_io_pending_seconds_total", of_vm);
  phase.truth = guest.truth();
  phase.recorded = waits_of(Page(""), "");
  for (const auto& [name, value] : phase.truth) {
    if (!name.starts_with("idle.")) continue;
    const double seconds = static_cast<double>(value) / 1e9;
    phase.recorded[reason_of_interrupt(name.substr(5))] += seconds;
    phase.recorded["halted"] += seconds;
  }
  show_row(what, truth, phase.reported);
  show_row("  the guest's own record", "", phase.recorded);
  return phase;
}

inline double share(const Waits& waits, const std::string& reason) {
  return waits.at(reason) / waits.at("halted");
}

/// The part of the halted time that has the same reason in the report and in the guest's record.
inline double agreement(const LinuxPhase& phase) {
  double same = 0;
  for (const auto* reason : kWaitReasons)
    same += std::min(share(phase.reported, reason), share(phase.recorded, reason));
  return same;
}

/// Whatever ended the guest's halts by its own record ended them in the report too.
inline void expect_recorded(const LinuxPhase& phase, const std::string& what, double points) {
  EXPECT_LE(share(phase.reported, "unknown"), 0.02) << what;
  EXPECT_GT(phase.reported.at("halted"), 0.5) << what;
  for (const auto* reason : kWaitReasons)
    EXPECT_NEAR(share(phase.reported, reason), share(phase.recorded, reason), points / 100)
        << what << ": " << reason;
}

/// The guest was built to wait for `truth` alone.
inline void expect_reason(const LinuxPhase& phase, const std::string& what,
                          const std::string& truth) {
  EXPECT_GE(share(phase.reported, truth), 0.90) << what;
  expect_recorded(phase, what, 3);
}

/// One phase of a guest to come.
struct Planned {
  std::string work;  ///< without go and trace
  std::string what;  ///< of the row
  std::string truth;
};

/// Runs all phases in one guest, from the beginning again if the emulated CPU makes the guest's
/// kernel fail: at times it delivers an interrupt twice or never.
inline std::vector<LinuxPhase> run_phases(LinuxGuestSetup setup, const std::vector<Planned>& plan) {
  for (const auto& one : plan) setup.then.push_back(one.work + ",go=1,trace=1");
  setup.work = setup.then.front();
  setup.then.erase(setup.then.begin());
  return attempts(5, [&] {
    std::vector<LinuxPhase> phases;
    show_head();
    LinuxGuest guest(setup);
    for (const auto& one : plan) phases.push_back(run_phase(guest, one.what, one.truth));
    return phases;
  });
}

}  // namespace vmflow::lab
