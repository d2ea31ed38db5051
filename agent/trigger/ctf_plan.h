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

/// Events in any order; `lost` events per CPU, which a reader is told between two packets: before a
/// stream's first one it would not believe the number.
CtfPlan plan_ctf(std::span<const Event> events, const std::map<uint32_t, uint64_t>& lost,
                 uint64_t events_per_packet = 8192);

}  // namespace vmflow
