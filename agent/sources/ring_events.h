// SPDX-License-Identifier: GPL-2.0-only
// The kernel side's flight recorder as events.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "analysis/event.h"
#include "bpf/ring_records.h"

namespace vmflow {

/// One CPU's part, as it was copied.
/// Shape: `records` in their places, a power of two; `head` records were begun when the copy began,
///        `head_after` when it had ended: what was written meanwhile is left out.
struct RingCopy {
  std::span<const ring_record> records;
  uint64_t head = 0;
  uint64_t head_after = 0;
  uint32_t cpu = 0;
};

/// What a copy of the flight recorder holds.
struct RingReading {
  std::vector<Event> events;                ///< by time
  std::map<uint32_t, uint64_t> whole_from;  ///< by CPU; absent: no record of it was overwritten
  uint64_t torn = 0;                        ///< records that were being written
  uint64_t unknown = 0;                     ///< of a kind that this program does not know

  /// From here on the records of every CPU are whole; 0: from the first one on.
  uint64_t whole_from_ns() const;
  /// Recording began at `since_ns`: what some programs noted a moment before is not all.
  void begin_at(uint64_t since_ns, std::span<const RingCopy> cpus);
};

/// Turns copies of all CPUs into events. `isa` of the host, enum flow_isa.
RingReading ring_events(std::span<const RingCopy> cpus, uint32_t isa);

class BpfPrograms;

/// Copies the flight recorder while it goes on, and reads the copy. Threads: as BpfPrograms.
RingReading read_ring(const BpfPrograms& programs, uint32_t isa);

/// What the ring holds now. Units: bytes of records.
uint64_t ring_bytes(const BpfPrograms& programs);

/// How far back the flight recorder reaches on the CPU that reaches least far; 0: nothing is there
/// yet. Units: nanoseconds before `now_ns`, CLOCK_MONOTONIC.
uint64_t ring_span_ns(const BpfPrograms& programs, uint64_t now_ns);

}  // namespace vmflow
