// SPDX-License-Identifier: GPL-2.0-only
// From libbabeltrace2's messages to Events, and what was seen on the way.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/sources/ctf_table.h"
#include "analysis/trace_contents.h"

namespace vmflow {

/// Where a field of a structure lies. Shape: `at` -1: not there, or of another type.
struct FieldPlace {
  int at = -1;
  bool is_signed = false;
};

/// Of several fields, in the order in which they are wanted.
using FieldPlaces = std::vector<FieldPlace>;

/// Knows again what it was asked for lately: there are few, and each message asks for two.
template <typename Key, typename Value>
class RecentPlaces {
 public:
  Value* find(const Key* key) const {
    const auto& [known, value] = places_[slot_of(key)];
    return known == key ? value : nullptr;
  }
  void put(const Key* key, Value* value) { places_[slot_of(key)] = {key, value}; }
  void clear() { places_.fill({}); }

 private:
  static constexpr unsigned kBits = 6;
  static size_t slot_of(const Key* key) {
    return reinterpret_cast<uintptr_t>(key) * 0x9e37'79b9'7f4a'7c15 >> (64 - kBits);
  }

  std::array<std::pair<const Key*, Value*>, 1 << kBits> places_{};
};

/// Reads one event class. Null `row`: of no use.
struct EventPlan {
  const CtfEvent* row = nullptr;
  bool is_misshapen = false;
  FieldPlaces places;
  CtfValues values;           ///< of the event that was read last
  uint64_t* count = nullptr;  ///< in the trace's reading
};

/// One stream of one trace.
struct StreamPlan {
  TraceReading* trace = nullptr;
  bool is_own = false;
  std::optional<uint32_t> cpu;  ///< of the present packet
  FieldPlace packet;            ///< cpu_id
  FieldPlace tid, tgid, kvm;    ///< in the context; the last one is vmflow's
  std::unordered_map<const bt_event_class*, EventPlan> events;
  RecentPlaces<bt_event_class, EventPlan> recent_events;
};

/// Decodes messages in the order they come. Threads: one.
class CtfDecoder {
 public:
  /// `contents` has one reading per trace, found again by uuid; it outlives this.
  explicit CtfDecoder(TraceContents& contents) : contents_(contents) {}

  /// Absent: no event, or one that says nothing. Errors: none; what is odd is counted.
  std::optional<Event> decode(const bt_message* message);

 private:
  StreamPlan& plan_of(const bt_stream* stream);
  StreamPlan& new_plan_of(const bt_stream* stream);
  EventPlan& plan_of(StreamPlan& stream, const bt_event_class* event_class);
  EventPlan& new_plan_of(StreamPlan& stream, const bt_event_class* event_class);
  std::optional<Event> decode_event(const bt_message* message);
  void fill_thread(const StreamPlan& stream, const bt_event* event, Event& out);
  void begin_packet(const bt_packet* packet);
  void count_discarded_events(const bt_message* message);
  void count_discarded_packets(const bt_message* message);
  void note_time(StreamPlan& stream, uint64_t ns);

  TraceContents& contents_;
  std::unordered_map<const bt_stream*, StreamPlan> streams_;
  RecentPlaces<bt_stream, StreamPlan> recent_streams_;
  std::unordered_map<uint32_t, uint32_t> running_;  ///< tid by CPU, where no context tells it
  uint64_t newest_ns_ = 0;
};

/// What `trace` and its classes say of themselves; paths stay empty.
TraceReading describe(const bt_stream* stream);

/// A context that only vmflow writes: the address of the event's struct kvm.
inline constexpr const char* kKvmContext = "vmflow_kvm";

}  // namespace vmflow
