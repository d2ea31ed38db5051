// SPDX-License-Identifier: GPL-2.0-only
// THE table of events in CTF: what an event is called there, which fields it has, and what it is to
// vmflow. Reading and writing both go by it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <variant>
#include <vector>

#include "analysis/event.h"

namespace vmflow {

/// What vmflow calls itself in the traces it writes, and how it knows them again.
inline constexpr std::string_view kOwnTracer = "vmflow";

/// In the environment of its traces: the names of the events it records, between blanks.
inline constexpr const char* kRecordedEntry = "vmflow_events";

enum class CtfType {
  kU8,
  kU16,
  kU32,
  kU64,
  kAddress,
  kI32,
  kI64,
  kText,
  kNetworkHeader,  ///< LTTng's variants of IPv4 and IPv6: never written, see ctf_packet.h
};

/// Whether an event can be read without this field. kShape: written because LTTng does, never read.
enum class CtfUse { kNeeded, kOptional, kShape };

struct CtfField {
  const char* name;
  CtfType type;
  CtfUse use = CtfUse::kNeeded;
};

inline constexpr size_t kMostCtfFields = 11;
inline constexpr size_t kMostCtfTexts = 5;  ///< no field after the fifth is a text

/// One event's fields, in the order of its row. A signed number is stored as its two's complement.
struct CtfValues {
  std::array<uint64_t, kMostCtfFields> number{};
  std::array<Comm, kMostCtfTexts> text{};
  uint32_t present = 0;                 ///< bit i: field i was there
  std::optional<TcpSegment> segment{};  ///< of a network header that holds TCP's

  bool has(size_t i) const { return (present >> i & 1) != 0; }
  uint32_t u32(size_t i) const { return static_cast<uint32_t>(number[i]); }
};

/// Names of threads, for fields that only LTTng's shape asks for.
using ThreadNames = std::unordered_map<uint32_t, Comm>;

struct CtfEvent {
  std::string_view name;
  size_t kind = 0;  ///< which alternative of EventData
  std::vector<CtfField> fields;
  /// `own`: the trace was written by vmflow. Absent: this one says nothing to vmflow.
  std::optional<EventData> (*read)(const CtfValues&, bool own) = nullptr;
  /// False: another row writes this one. Null: vmflow never writes it.
  bool (*write)(const EventData&, const ThreadNames&, CtfValues&) = nullptr;
};

template <typename T, size_t kAt = 0>
constexpr size_t kind_of() {
  if constexpr (std::is_same_v<std::variant_alternative_t<kAt, EventData>, T>)
    return kAt;
  else
    return kind_of<T, kAt + 1>();
}

/// Source: `lttng list --kernel` and the metadata of LTTng 2.13.9 on Linux 6.1; the kernel's own
/// names and `vmflow_…` for what LTTng lacks.
std::span<const CtfEvent> ctf_events();

/// nullptr: of no use to vmflow.
const CtfEvent* ctf_event(std::string_view name);

/// How `data` is written: its row, and `values` for its fields. What the event does not tell and
/// LTTng's shape asks for is 0, -1 or empty; see the row.
const CtfEvent& written_as(const EventData& data, const ThreadNames& names, CtfValues& values);

}  // namespace vmflow
