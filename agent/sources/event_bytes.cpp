// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/event_bytes.h"

#include <array>
#include <cstring>
#include <type_traits>

namespace vmflow {
namespace {

class Writer {
 public:
  explicit Writer(std::string& bytes) : bytes_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T>
  bool operator()(T& value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return true;
  }
  bool operator()(Comm& comm) {
    bytes_.append(comm.data(), comm.size());
    return true;
  }
  bool operator()(std::string& text) {
    auto length = static_cast<uint32_t>(text.size());
    (*this)(length);
    bytes_.append(text);
    return true;
  }
  /// How many elements follow.
  bool count(uint32_t& size) { return (*this)(size); }

 private:
  std::string& bytes_;
};

/// Events alone: these have no texts, and are as long as the longest of them at most.
class EventWriter {
 public:
  template <typename T>
  requires std::is_arithmetic_v<T>
  bool operator()(T& value) { return put(&value, sizeof(value)); }
  bool operator()(Comm& comm) { return put(comm.data(), comm.size()); }

  std::string_view bytes() const {
    return {bytes_.data(), static_cast<size_t>(end_ - bytes_.data())};
  }

 private:
  bool put(const void* from, size_t size) {
    std::memcpy(end_, from, size);
    end_ += size;
    return true;
  }

  // Each field is there once in an Event, but for which kind it is and whether it is told.
  std::array<char, 2 * sizeof(Event)> bytes_;
  char* end_ = bytes_.data();
};

class Reader {
 public:
  explicit Reader(std::string_view& bytes) : bytes_(bytes) {}

  template <typename T>
  requires std::is_arithmetic_v<T>
  bool operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      if (!(*this)(byte)) return false;
      value = byte != 0;
      return true;
    } else {
      return take(&value, sizeof(value));
    }
  }
  bool operator()(Comm& comm) { return take(comm.data(), comm.size()); }
  bool operator()(std::string& text) {
    uint32_t length = 0;
    if (!(*this)(length) || length > bytes_.size()) return false;
    text = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return true;
  }
  /// Every element takes a byte at least: a count beyond the bytes is a lie.
  bool count(uint32_t& size) { return (*this)(size) && size <= bytes_.size(); }

 private:
  bool take(void* to, size_t size) {
    if (bytes_.size() < size) return false;
    std::memcpy(to, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return true;
  }

  std::string_view& bytes_;
};

// Each list of fields serves both ways; true: all were there.

template <typename A, typename T>
bool optional_field(A& a, std::optional<T>& value) {
  bool has = value.has_value();
  T inner = value.value_or(T{});
  if (!a(has) || !a(inner)) return false;
  value = has ? std::optional<T>(inner) : std::nullopt;
  return true;
}

template <typename A, typename T>
requires std::is_empty_v<T>
bool fields(A&, T&) {
  return true;
}
template <typename A>
bool fields(A& a, EntryEvent& e) {
  return optional_field(a, e.vcpu_id);
}
template <typename A>
bool fields(A& a, ExitEvent& e) {
  return a(e.code) && a(e.isa) && a(e.rip) && optional_field(a, e.vcpu_id);
}
template <typename A>
bool fields(A& a, UserspaceExitEvent& e) {
  return a(e.reason) && a(e.error);
}
template <typename A>
bool fields(A& a, HaltEndEvent& e) {
  return a(e.halt_ns) && optional_field(a, e.polled_ns) && a(e.waited) && a(e.valid);
}
template <typename A>
bool fields(A& a, NestedEnterEvent& e) {
  return a(e.vmcb12) && a(e.root);
}
template <typename A>
bool fields(A& a, NestedReflectEvent& e) {
  return a(e.code);
}
template <typename A>
bool fields(A& a, AcceptEvent& e) {
  return a(e.vcpu_id) && a(e.vector) && a(e.delivery);
}
template <typename A>
bool fields(A& a, SwitchEvent& e) {
  return a(e.prev_tid) && a(e.next_tid) && a(e.prev_state) && optional_field(a, e.preempted) &&
         a(e.prev_comm) && a(e.next_comm);
}
template <typename A>
bool fields(A& a, WakingEvent& e) {
  return a(e.tid) && a(e.target_cpu) && a(e.comm);
}
template <typename A>
bool fields(A& a, MigrateEvent& e) {
  return a(e.tid) && a(e.from_cpu) && a(e.to_cpu);
}
template <typename A>
bool fields(A& a, ThreadExitEvent& e) {
  return a(e.tid);
}
template <typename A>
bool fields(A& a, IrqEvent& e) {
  return a(e.begins);
}
template <typename A>
bool fields(A& a, VcpuOutEvent& e) {
  return a(e.state) && a(e.block) && a(e.throttled);
}
template <typename A>
bool fields(A& a, VcpuInEvent& e) {
  return a(e.in_kvm_run) && a(e.disk_pending_ns) && a(e.net_pending_ns);
}
template <typename A>
bool fields(A& a, WakeEvent& e) {
  return a(e.tid) && a(e.waker);
}
template <typename A>
bool fields(A& a, RegistersEvent& e) {
  return a(e.cr3) && a(e.rsp) && a(e.cpl);
}
template <typename A>
bool fields(A& a, IpAddress& address) {
  return a(address.high) && a(address.low);
}
template <typename A>
bool fields(A& a, TcpSegment& s) {
  return fields(a, s.flow.source) && fields(a, s.flow.destination) && a(s.flow.source_port) &&
         a(s.flow.destination_port) && a(s.sequence) && a(s.acknowledgement) && a(s.offset_flags) &&
         a(s.payload_bytes);
}
template <typename A>
bool fields(A& a, PacketEvent& e) {
  bool has = e.segment.has_value();
  TcpSegment segment = e.segment.value_or(TcpSegment{});
  if (!a(e.sent) || !a(e.device) || !a(has) || (has && !fields(a, segment))) return false;
  e.segment = has ? std::optional(segment) : std::nullopt;
  return true;
}

template <size_t kAt = 0>
bool choose(EventData& data, size_t kind) {
  if constexpr (kAt == std::variant_size_v<EventData>) {
    return false;
  } else {
    if (kind != kAt) return choose<kAt + 1>(data, kind);
    data.emplace<kAt>();
    return true;
  }
}

template <typename A>
bool fields(A& a, Event& event) {
  auto kind = static_cast<uint8_t>(event.data.index());
  return a(kind) && choose_if_reading(a, event.data, kind) && a(event.ns) && a(event.cpu) &&
         a(event.tid) && a(event.tgid) && a(event.kvm) &&
         std::visit([&](auto& data) { return fields(a, data); }, event.data);
}

inline bool choose_if_reading(EventWriter&, EventData&, uint8_t) {
  return true;
}
inline bool choose_if_reading(Reader&, EventData& data, uint8_t kind) {
  return choose(data, kind);
}

template <typename A, typename T, typename F>
bool list_field(A& a, std::vector<T>& list, F&& element) {
  auto size = static_cast<uint32_t>(list.size());
  if (!a.count(size)) return false;
  for (uint32_t i = 0; i < size; i++) {
    if (i == list.size()) list.emplace_back();  // not all at once: the size may be a lie
    if (!element(list[i])) return false;
  }
  return true;
}

template <typename A>
bool set_field(A& a, std::set<std::string>& names) {
  std::vector<std::string> list(names.begin(), names.end());
  if (!list_field(a, list, [&](std::string& name) { return a(name); })) return false;
  names = {list.begin(), list.end()};
  return true;
}

template <typename A>
bool counts_field(A& a, std::map<std::string, uint64_t>& counts) {
  std::vector<std::pair<std::string, uint64_t>> list(counts.begin(), counts.end());
  if (!list_field(a, list, [&](auto& one) { return a(one.first) && a(one.second); })) return false;
  counts = {list.begin(), list.end()};
  return true;
}

template <typename A>
bool fields(A& a, TraceClock& clock) {
  return a(clock.name) && a(clock.uuid) && a(clock.frequency) && a(clock.offset_ns);
}

template <typename A>
bool fields(A& a, TraceReading& trace) {
  return list_field(a, trace.paths, [&](std::string& path) { return a(path); }) && a(trace.uuid) &&
         a(trace.tracer) && a(trace.tracer_version) && a(trace.hostname) &&
         fields(a, trace.clock) && a(trace.tells_tid) && a(trace.tells_tgid) &&
         set_field(a, trace.declared) && counts_field(a, trace.events) &&
         counts_field(a, trace.unused) && counts_field(a, trace.misshapen) && a(trace.first_ns) &&
         a(trace.last_ns) && a(trace.whole_from_ns) && a(trace.discarded_events) &&
         a(trace.discarded_packets) && a(trace.uncounted_losses);
}

template <typename A>
bool fields(A& a, TraceContents& contents) {
  return list_field(a, contents.traces, [&](TraceReading& trace) { return fields(a, trace); }) &&
         a(contents.events) && a(contents.out_of_order) && a(contents.without_cpu) &&
         a(contents.interrupted);
}

}  // namespace

void write_event(const Event& event, std::string& bytes) {
  Event copy = event;
  EventWriter writer;
  fields(writer, copy);
  bytes.append(writer.bytes());
}

std::optional<Event> read_event(std::string_view& bytes) {
  Event event;
  Reader reader(bytes);
  if (!fields(reader, event)) return std::nullopt;
  return event;
}

std::string contents_bytes(const TraceContents& contents) {
  std::string bytes;
  TraceContents copy = contents;
  Writer writer(bytes);
  fields(writer, copy);
  return bytes;
}

std::optional<TraceContents> contents_of(std::string_view bytes) {
  TraceContents contents;
  Reader reader(bytes);
  if (!fields(reader, contents) || !bytes.empty()) return std::nullopt;
  return contents;
}

}  // namespace vmflow
