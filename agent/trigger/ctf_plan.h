// SPDX-License-Identifier: GPL-2.0-only
// In which order a trace is written: streams per CPU, cut into packets. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "analysis/event.h"

namespace vmflow {

enum class CtfStepKind { kBeginPacket, kEvent, kEndPacket, kLost };

/// One message of the trace. Units: ns as Event::ns.
struct CtfStep {
  CtfStepKind kind = CtfStepKind::kEvent;
  uint32_t cpu = 0;
  uint64_t ns = 0;      ///< of kLost: since the packet before
  uint64_t number = 0;  ///< kEvent: its index; kLost: how many
  uint64_t end_ns = 0;  ///< kLost: until the end of the packet that follows
};

struct CtfPlan {
  std::vector<uint32_t> cpus;  ///< one stream each, sorted
  std::vector<CtfStep> steps;  ///< never back in time
};

/// What a trace's reader cannot see in its events. Shape: both by CPU.
struct CtfCoverage {
  /// Events that were not recorded; told between two packets: before a stream's first one no reader
  /// would believe the number.
  std::map<uint32_t, uint64_t> lost;
  /// Since when all events are there, told by an empty packet; absent: since the first one.
  std::map<uint32_t, uint64_t> whole_from;
};

/// Events in any order.
CtfPlan plan_ctf(std::span<const Event> events, const CtfCoverage& coverage,
                 uint64_t events_per_packet = 8192);

}  // namespace vmflow
