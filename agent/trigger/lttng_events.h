// SPDX-License-Identifier: GPL-2.0-only
// THE list of LTTng's kernel events that vmflow ever enables, each run under load in the lab before
// it came here. Never a wildcard: the probe of kvm_mmio, which any kvm_* would take along, follows
// a null pointer and oopses the host. To add one: a row, then the lab test that enables all of
// them.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace vmflow {

/// What is lost without an event.
enum class EventNeed {
  kvm,       ///< without one of these the trace tells nothing of VMs
  sched,     ///< without one of these it tells no state at all
  evidence,  ///< a detail is unknown
};

struct LttngEvent {
  const char* name;  ///< as LTTng spells it
  EventNeed need;
  const char* why;
};

std::span<const LttngEvent> lttng_events();

/// What can be traced here: kvm and sched, sched alone, or nothing.
enum class LttngBackend { none, lttng_sched, lttng };

const char* name_of(LttngBackend backend);

struct LttngChoice {
  LttngBackend backend = LttngBackend::none;
  std::vector<std::string> events;   ///< to enable: of the list, in its order
  std::vector<std::string> missing;  ///< of the list, not on this kernel
  std::string reason;                ///< why not everything, in one line; empty if it is
};

/// Chooses from what the kernel's tracer offers.
LttngChoice choose_lttng_events(const std::vector<std::string>& tracepoints);

}  // namespace vmflow
