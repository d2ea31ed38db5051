// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/ctf_classes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <string>

#include "agent/sources/ctf_decode.h"

namespace vmflow {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

void check(int status) {
  if (status != 0) throw std::runtime_error(bt::take_error());
}

template <typename Owner>
Owner have(Owner owner) {
  if (!owner) throw std::runtime_error(bt::take_error());
  return owner;
}

bt::FieldClass field_class_of(bt_trace_class* in, CtfType type) {
  using enum CtfType;
  if (type == kText) return have(bt::FieldClass(bt_field_class_string_create(in)));
  const bool is_signed = type == kI32 || type == kI64;
  auto made = have(bt::FieldClass(is_signed ? bt_field_class_integer_signed_create(in)
                                            : bt_field_class_integer_unsigned_create(in)));
  const uint64_t bits = type == kU8                    ? 8
                        : type == kU16                 ? 16
                        : type == kU32 || type == kI32 ? 32
                                                       : 64;
  bt_field_class_integer_set_field_value_range(made.get(), bits);
  if (type == kAddress)
    bt_field_class_integer_set_preferred_display_base(
        made.get(), BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL);
  return made;
}

bt::FieldClass structure_of(bt_trace_class* in, const std::vector<CtfField>& fields) {
  auto structure = have(bt::FieldClass(bt_field_class_structure_create(in)));
  for (const auto& field : fields)
    check(bt_field_class_structure_append_member(structure.get(), field.name,
                                                 field_class_of(in, field.type).get()));
  return structure;
}

std::optional<std::array<uint8_t, 16>> bytes_of_uuid(const std::string& text) {
  std::array<uint8_t, 16> bytes{};
  size_t digits = 0;
  for (const char c : text) {
    if (c == '-' || c == '\n') continue;
    if (!std::isxdigit(static_cast<unsigned char>(c)) || digits == 32) return std::nullopt;
    const auto value = static_cast<uint8_t>(std::stoi(std::string(1, c), nullptr, 16));
    bytes[digits / 2] = static_cast<uint8_t>(bytes[digits / 2] << 4 | value);
    digits++;
  }
  if (digits != 32) return std::nullopt;
  return bytes;
}

// Units: an offset's part below a second counts upwards, also before the epoch.
bt::ClockClass clock_of(bt_self_component* self, const CtfWriteOptions& options) {
  auto clock = have(bt::ClockClass(bt_clock_class_create(self)));
  check(bt_clock_class_set_name(clock.get(), "monotonic"));
  check(bt_clock_class_set_description(clock.get(), "Monotonic Clock"));
  bt_clock_class_set_frequency(clock.get(), static_cast<uint64_t>(kSecond));
  auto seconds = options.epoch_offset_ns / kSecond;
  auto rest = options.epoch_offset_ns % kSecond;
  if (rest < 0) {
    seconds--;
    rest += kSecond;
  }
  bt_clock_class_set_offset(clock.get(), seconds, static_cast<uint64_t>(rest));
  if (const auto uuid = bytes_of_uuid(options.boot_id))
    bt_clock_class_set_uuid(clock.get(), uuid->data());
  return clock;
}

std::string recorded_names(const CtfWriteOptions& options) {
  auto names = options.recorded;
  if (names.empty())
    for (const auto& row : ctf_events())
      if (row.write) names.emplace(row.name);
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

bt::Trace trace_of(bt_trace_class* trace_class, const CtfWriteOptions& options) {
  auto trace = have(bt::Trace(bt_trace_create(trace_class)));
  const auto text = [&](const char* name, const std::string& value) {
    check(bt_trace_set_environment_entry_string(trace.get(), name, value.c_str()));
  };
  const auto number = [&](const char* name, int64_t value) {
    check(bt_trace_set_environment_entry_integer(trace.get(), name, value));
  };
  text("domain", "kernel");
  text("sysname", "Linux");
  if (!options.hostname.empty()) text("hostname", options.hostname);
  text("kernel_release", options.kernel_release);
  text("tracer_name", std::string(kOwnTracer));
  number("tracer_major", options.major);
  number("tracer_minor", options.minor);
  number("tracer_patchlevel", options.patch);
  text("trace_name", options.trace_name);
  text(kRecordedEntry, recorded_names(options));
  return trace;
}

bt::StreamClass stream_class_of(const CtfClasses& made) {
  auto* in = made.trace_class.get();
  auto stream = have(bt::StreamClass(bt_stream_class_create(in)));
  check(bt_stream_class_set_default_clock_class(stream.get(), made.clock.get()));
  bt_stream_class_set_supports_packets(stream.get(), BT_TRUE, BT_TRUE, BT_TRUE);
  bt_stream_class_set_supports_discarded_events(stream.get(), BT_TRUE, BT_TRUE);
  check(bt_stream_class_set_packet_context_field_class(
      stream.get(), structure_of(in, {{"cpu_id", CtfType::kU32}}).get()));
  // In the order of CtfContext.
  check(bt_stream_class_set_event_common_context_field_class(
      stream.get(), structure_of(in, {{"pid", CtfType::kI32},
                                      {"tid", CtfType::kI32},
                                      {"procname", CtfType::kText},
                                      {kKvmContext, CtfType::kAddress}})
                        .get()));
  return stream;
}

void add_event_class(CtfClasses& made, const CtfEvent& row) {
  auto event = have(bt::EventClass(bt_event_class_create(made.stream_class.get())));
  check(bt_event_class_set_name(event.get(), std::string(row.name).c_str()));
  check(bt_event_class_set_payload_field_class(
      event.get(), structure_of(made.trace_class.get(), row.fields).get()));
  made.events.emplace(&row, std::move(event));
}

}  // namespace

CtfClasses make_ctf_classes(bt_self_component* self, const CtfWriteOptions& options) {
  CtfClasses made;
  made.clock = clock_of(self, options);
  made.trace_class = have(bt::TraceClass(bt_trace_class_create(self)));
  made.stream_class = stream_class_of(made);
  for (const auto& row : ctf_events())
    if (row.write) add_event_class(made, row);
  made.trace = trace_of(made.trace_class.get(), options);
  return made;
}

}  // namespace vmflow
