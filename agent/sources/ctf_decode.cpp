// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_decode.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "agent/sources/babeltrace.h"
#include "agent/sources/ctf_packet.h"

namespace vmflow {
namespace {

/// A trace may declare any number of names and CPUs: what is over is counted under one.
constexpr size_t kMostNames = 1000;
constexpr size_t kMostCpus = 1 << 16;
constexpr const char* kOtherNames = "(other)";

bool has_type(const bt_field_class* field, CtfType type) {
  const auto is = bt_field_class_get_type(field);
  if (type == CtfType::kNetworkHeader)
    return bt_field_class_type_is(is, BT_FIELD_CLASS_TYPE_VARIANT);
  if (type == CtfType::kText) return bt_field_class_type_is(is, BT_FIELD_CLASS_TYPE_STRING);
  return bt_field_class_type_is(is, BT_FIELD_CLASS_TYPE_INTEGER);
}

FieldPlace place_of(const bt_field_class* structure, const char* name, CtfType type) {
  if (structure == nullptr ||
      !bt_field_class_type_is(bt_field_class_get_type(structure), BT_FIELD_CLASS_TYPE_STRUCTURE))
    return {};
  const auto count = bt_field_class_structure_get_member_count(structure);
  for (uint64_t i = 0; i < count; i++) {
    const auto* member = bt_field_class_structure_borrow_member_by_index_const(structure, i);
    if (std::strcmp(bt_field_class_structure_member_get_name(member), name) != 0) continue;
    const auto* field = bt_field_class_structure_member_borrow_field_class_const(member);
    if (!has_type(field, type)) break;
    return {.at = static_cast<int>(i),
            .is_signed = bt_field_class_type_is(bt_field_class_get_type(field),
                                                BT_FIELD_CLASS_TYPE_SIGNED_INTEGER) != 0};
  }
  return {};
}

const bt_field* field_at(const bt_field* structure, FieldPlace place) {
  return bt_field_structure_borrow_member_field_by_index_const(structure,
                                                               static_cast<uint64_t>(place.at));
}

uint64_t number_in(const bt_field* field, FieldPlace place) {
  return place.is_signed ? static_cast<uint64_t>(bt_field_integer_signed_get_value(field))
                         : bt_field_integer_unsigned_get_value(field);
}

std::optional<uint64_t> number_at(const bt_field* structure, FieldPlace place) {
  if (structure == nullptr || place.at < 0) return std::nullopt;
  return number_in(field_at(structure, place), place);
}

Comm text_in(const bt_field* field) {
  Comm comm{};
  const auto length = std::min<uint64_t>(bt_field_string_get_length(field), comm.size());
  std::memcpy(comm.data(), bt_field_string_get_value(field), length);
  return comm;
}

/// Fields that are not there stay what they are in new values.
const CtfValues& values_of(EventPlan& plan, const bt_field* payload) {
  auto& values = plan.values;
  const auto& fields = plan.row->fields;
  for (size_t i = 0; i < fields.size(); i++) {
    const auto place = plan.places[i];
    if (place.at < 0) continue;
    const auto* field = field_at(payload, place);
    if (fields[i].type == CtfType::kNetworkHeader)
      values.segment = segment_in(field);
    else if (fields[i].type == CtfType::kText)
      values.text[i] = text_in(field);
    else
      values.number[i] = number_in(field, place);
  }
  return values;
}

uint64_t& count_in(std::map<std::string, uint64_t>& counts, const std::string& name) {
  const auto found = counts.find(name);
  if (found != counts.end()) return found->second;
  return counts[counts.size() < kMostNames ? name : kOtherNames];
}

std::string environment_of(const bt_trace* trace, const char* name) {
  const auto* value = bt_trace_borrow_environment_entry_value_by_name_const(trace, name);
  if (value == nullptr) return {};
  if (bt_value_is_string(value)) return bt_value_string_get(value);
  if (bt_value_is_signed_integer(value)) return std::to_string(bt_value_integer_signed_get(value));
  return {};
}

TraceClock clock_of(const bt_stream_class* stream_class) {
  TraceClock clock;
  const auto* from = bt_stream_class_borrow_default_clock_class_const(stream_class);
  if (from == nullptr) return clock;
  if (const char* name = bt_clock_class_get_name(from)) clock.name = name;
  clock.uuid = bt::uuid_text(bt_clock_class_get_uuid(from));
  clock.frequency = bt_clock_class_get_frequency(from);
  // -1: an offset that no 64 bits of nanoseconds hold.
  if (bt_clock_class_cycles_to_ns_from_origin(from, 0, &clock.offset_ns) !=
      BT_CLOCK_CLASS_CYCLES_TO_NS_FROM_ORIGIN_STATUS_OK) {
    bt_current_thread_clear_error();
    clock.offset_ns = -1;
  }
  return clock;
}

void add_declared(const bt_stream_class* stream_class, std::set<std::string>& names) {
  const auto count = bt_stream_class_get_event_class_count(stream_class);
  for (uint64_t i = 0; i < count && names.size() < kMostNames; i++) {
    const auto* event_class = bt_stream_class_borrow_event_class_by_index_const(stream_class, i);
    if (const char* name = bt_event_class_get_name(event_class)) names.insert(name);
  }
}

void add_recorded(const bt_trace* trace, std::set<std::string>& names) {
  std::istringstream words(environment_of(trace, kRecordedEntry));
  for (std::string name; names.size() < kMostNames && words >> name;) names.insert(name);
}

}  // namespace

TraceReading describe(const bt_stream* stream) {
  TraceReading reading;
  const auto* trace = bt_stream_borrow_trace_const(stream);
  const auto* trace_class = bt_trace_borrow_class_const(trace);
  reading.uuid = bt::uuid_text(bt_trace_get_uuid(trace));
  reading.tracer = environment_of(trace, "tracer_name");
  reading.tracer_version = environment_of(trace, "tracer_major") + "." +
                           environment_of(trace, "tracer_minor") + "." +
                           environment_of(trace, "tracer_patchlevel");
  reading.hostname = environment_of(trace, "hostname");
  reading.clock = clock_of(bt_stream_borrow_class_const(stream));
  reading.tells_tid = reading.tells_tgid = true;
  for (uint64_t i = 0; i < bt_trace_class_get_stream_class_count(trace_class); i++) {
    const auto* part = bt_trace_class_borrow_stream_class_by_index_const(trace_class, i);
    const auto* context = bt_stream_class_borrow_event_common_context_field_class_const(part);
    if (place_of(context, "tid", CtfType::kI32).at < 0) reading.tells_tid = false;
    if (place_of(context, "pid", CtfType::kI32).at < 0) reading.tells_tgid = false;
    add_declared(part, reading.declared);
  }
  if (reading.tracer == kOwnTracer) add_recorded(trace, reading.declared);
  return reading;
}

StreamPlan& CtfDecoder::plan_of(const bt_stream* stream) {
  if (auto* plan = recent_streams_.find(stream)) return *plan;
  auto& plan = new_plan_of(stream);
  recent_streams_.put(stream, &plan);
  return plan;
}

StreamPlan& CtfDecoder::new_plan_of(const bt_stream* stream) {
  const auto [at, is_new] = streams_.try_emplace(stream);
  auto& plan = at->second;
  if (!is_new) return plan;
  const auto uuid = bt::uuid_text(bt_trace_get_uuid(bt_stream_borrow_trace_const(stream)));
  const auto trace = std::ranges::find(contents_.traces, uuid, &TraceReading::uuid);
  plan.trace = trace == contents_.traces.end() ? &contents_.traces.front() : &*trace;
  plan.is_own = plan.trace->tracer == kOwnTracer;
  const auto* stream_class = bt_stream_borrow_class_const(stream);
  const auto* context = bt_stream_class_borrow_event_common_context_field_class_const(stream_class);
  plan.packet = place_of(bt_stream_class_borrow_packet_context_field_class_const(stream_class),
                         "cpu_id", CtfType::kU32);
  plan.tid = place_of(context, "tid", CtfType::kI32);
  plan.tgid = place_of(context, "pid", CtfType::kI32);
  if (plan.is_own) plan.kvm = place_of(context, kKvmContext, CtfType::kU64);
  return plan;
}

EventPlan& CtfDecoder::plan_of(StreamPlan& stream, const bt_event_class* event_class) {
  if (auto* plan = stream.recent_events.find(event_class)) return *plan;
  auto& plan = new_plan_of(stream, event_class);
  stream.recent_events.put(event_class, &plan);
  return plan;
}

EventPlan& CtfDecoder::new_plan_of(StreamPlan& stream, const bt_event_class* event_class) {
  const auto [at, is_new] = stream.events.try_emplace(event_class);
  auto& plan = at->second;
  if (!is_new) return plan;
  const char* name = bt_event_class_get_name(event_class);
  const std::string text = name == nullptr ? "(unnamed)" : name;
  plan.row = ctf_event(text);
  if (plan.row == nullptr) {
    plan.count = &count_in(stream.trace->unused, text);
    return plan;
  }
  const auto* payload = bt_event_class_borrow_payload_field_class_const(event_class);
  for (const auto& field : plan.row->fields) {
    const auto place =
        field.use == CtfUse::kShape ? FieldPlace{} : place_of(payload, field.name, field.type);
    if (field.use == CtfUse::kNeeded && place.at < 0) plan.is_misshapen = true;
    if (place.at >= 0) plan.values.present |= 1u << plan.places.size();
    plan.places.push_back(place);
  }
  plan.count = &count_in(plan.is_misshapen ? stream.trace->misshapen : stream.trace->events, text);
  return plan;
}

std::optional<Event> CtfDecoder::decode(const bt_message* message) {
  switch (bt_message_get_type(message)) {
    case BT_MESSAGE_TYPE_EVENT:
      return decode_event(message);
    case BT_MESSAGE_TYPE_PACKET_BEGINNING:
      begin_packet(bt_message_packet_beginning_borrow_packet_const(message));
      break;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
      count_discarded_events(message);
      break;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
      count_discarded_packets(message);
      break;
    case BT_MESSAGE_TYPE_STREAM_END:
      // A later stream may get the same address.
      streams_.erase(bt_message_stream_end_borrow_stream_const(message));
      recent_streams_.clear();
      break;
    default:
      break;
  }
  return std::nullopt;
}

void CtfDecoder::begin_packet(const bt_packet* packet) {
  auto& stream = plan_of(bt_packet_borrow_stream_const(packet));
  const auto cpu = number_at(bt_packet_borrow_context_field_const(packet), stream.packet);
  stream.cpu.reset();
  if (cpu) stream.cpu = static_cast<uint32_t>(*cpu);
}

void CtfDecoder::count_discarded_events(const bt_message* message) {
  auto& trace = *plan_of(bt_message_discarded_events_borrow_stream_const(message)).trace;
  uint64_t count = 0;
  if (bt_message_discarded_events_get_count(message, &count) == BT_PROPERTY_AVAILABILITY_AVAILABLE)
    trace.discarded_events += count;
  else
    trace.uncounted_losses++;
}

void CtfDecoder::count_discarded_packets(const bt_message* message) {
  auto& trace = *plan_of(bt_message_discarded_packets_borrow_stream_const(message)).trace;
  uint64_t count = 0;
  if (bt_message_discarded_packets_get_count(message, &count) == BT_PROPERTY_AVAILABILITY_AVAILABLE)
    trace.discarded_packets += count;
  else
    trace.uncounted_losses++;
}

void CtfDecoder::note_time(StreamPlan& stream, uint64_t ns) {
  contents_.events++;
  if (ns < newest_ns_) contents_.out_of_order++;
  newest_ns_ = std::max(newest_ns_, ns);
  auto& trace = *stream.trace;
  if (trace.first_ns == 0 || ns < trace.first_ns) trace.first_ns = ns;
  trace.last_ns = std::max(trace.last_ns, ns);
  if (!stream.cpu) contents_.without_cpu++;
}

void CtfDecoder::fill_thread(const StreamPlan& stream, const bt_event* event, Event& out) {
  const auto* context = bt_event_borrow_common_context_field_const(event);
  const auto tid = number_at(context, stream.tid);
  if (tid) {
    out.tid = static_cast<uint32_t>(*tid);
  } else if (const auto known = running_.find(out.cpu); known != running_.end()) {
    out.tid = known->second;
  }
  out.tgid = static_cast<uint32_t>(number_at(context, stream.tgid).value_or(0));
  out.kvm = number_at(context, stream.kvm).value_or(0);
  const auto* at = std::get_if<SwitchEvent>(&out.data);
  if (at == nullptr || tid) return;
  out.tid = at->prev_tid;
  if (running_.size() < kMostCpus || running_.contains(out.cpu)) running_[out.cpu] = at->next_tid;
}

std::optional<Event> CtfDecoder::decode_event(const bt_message* message) {
  const auto* event = bt_message_event_borrow_event_const(message);
  auto& stream = plan_of(bt_event_borrow_stream_const(event));
  auto& plan = plan_of(stream, bt_event_borrow_class_const(event));
  ++*plan.count;
  if (plan.row == nullptr || plan.is_misshapen) return std::nullopt;
  const auto data =
      plan.row->read(values_of(plan, bt_event_borrow_payload_field_const(event)), stream.is_own);
  if (!data) return std::nullopt;
  Event out{.ns = 0, .cpu = stream.cpu.value_or(0), .tid = 0, .tgid = 0, .kvm = 0, .data = *data};
  const auto* at = bt_message_event_borrow_default_clock_snapshot_const(message);
  out.ns = bt_clock_snapshot_get_value(at);
  if (stream.trace->clock.frequency != 1'000'000'000) {
    int64_t ns = 0;
    if (bt_clock_snapshot_get_ns_from_origin(at, &ns) !=
        BT_CLOCK_SNAPSHOT_GET_NS_FROM_ORIGIN_STATUS_OK)
      bt_current_thread_clear_error();
    out.ns = static_cast<uint64_t>(ns);
  }
  fill_thread(stream, event, out);
  note_time(stream, out.ns);
  return out;
}

}  // namespace vmflow
