// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_packet.h"

namespace vmflow {
namespace {

constexpr uint64_t kFragmentOffset = 0x1fff;  // the field's other bits are flags
constexpr uint64_t kWordBytes = 4;            // of which header lengths are counts
constexpr uint64_t kTcpHeaderWords = 5;

bool is_of(const bt_field* field, bt_field_class_type type) {
  return field != nullptr && bt_field_class_type_is(bt_field_get_class_type(field), type);
}

const bt_field* selected(const bt_field* variant) {
  if (!is_of(variant, BT_FIELD_CLASS_TYPE_VARIANT)) return nullptr;
  const auto* chosen = bt_field_variant_borrow_selected_option_field_const(variant);
  return is_of(chosen, BT_FIELD_CLASS_TYPE_STRUCTURE) ? chosen : nullptr;
}

const bt_field* member(const bt_field* structure, const char* name) {
  return bt_field_structure_borrow_member_field_by_name_const(structure, name);
}

/// The numbers of a structure; once one is not there, `is_whole` stays false.
struct Numbers {
  const bt_field* structure;
  bool is_whole = true;

  uint64_t operator()(const char* name) {
    const auto* field = member(structure, name);
    if (is_of(field, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER))
      return bt_field_integer_unsigned_get_value(field);
    is_whole = false;
    return 0;
  }
};

/// `parts` numbers of `bits` each, the most significant first.
bool read_address(const bt_field* array, uint64_t parts, unsigned bits, IpAddress& address) {
  if (!is_of(array, BT_FIELD_CLASS_TYPE_ARRAY) || bt_field_array_get_length(array) != parts)
    return false;
  for (uint64_t i = 0; i < parts; i++) {
    const auto* part = bt_field_array_borrow_element_field_by_index_const(array, i);
    if (!is_of(part, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) return false;
    const uint64_t value = bt_field_integer_unsigned_get_value(part);
    if (value >> bits != 0) return false;
    address.high = address.high << bits | address.low >> (64 - bits);
    address.low = address.low << bits | value;
  }
  return true;
}

/// What lies between the headers of IP and the end of the packet. Absent: this IP holds no TCP.
std::optional<uint64_t> read_ip(const bt_field* ip, TcpFlow& flow) {
  Numbers number{ip};
  const bool is_v4 = member(ip, "ihl") != nullptr;
  const uint64_t parts = is_v4 ? 4 : 8;
  const unsigned bits = is_v4 ? 8 : 16;
  if (!read_address(member(ip, "saddr"), parts, bits, flow.source) ||
      !read_address(member(ip, "daddr"), parts, bits, flow.destination))
    return std::nullopt;
  // Of IPv6 LTTng tells TCP only where it follows at once.
  if (!is_v4) {
    const auto bytes = number("payload_len");
    return number.is_whole ? std::optional(bytes) : std::nullopt;
  }
  for (auto* address : {&flow.source, &flow.destination}) address->low |= 0xffff'0000'0000;
  const auto header = number("ihl") * kWordBytes, all = number("tot_len");
  const auto fragment = number("frag_off") & kFragmentOffset;
  if (!number.is_whole || fragment != 0 || all < header) return std::nullopt;
  return all - header;
}

}  // namespace

std::optional<TcpSegment> segment_in(const bt_field* network_header) {
  const auto* ip = selected(network_header);
  if (ip == nullptr) return std::nullopt;
  TcpSegment segment;
  const auto bytes = read_ip(ip, segment.flow);
  const auto* tcp = bytes ? selected(member(ip, "transport_header")) : nullptr;
  // UDP has ports too, but no sequence.
  if (tcp == nullptr || member(tcp, "ack_seq") == nullptr) return std::nullopt;
  Numbers number{tcp};
  segment.flow.source_port = static_cast<uint16_t>(number("source_port"));
  segment.flow.destination_port = static_cast<uint16_t>(number("dest_port"));
  segment.sequence = static_cast<uint32_t>(number("seq"));
  segment.acknowledgement = static_cast<uint32_t>(number("ack_seq"));
  const auto words = number("data_offset");
  segment.offset_flags =
      static_cast<uint16_t>(words << 12 | number("reserved") << 9 | number("flags"));
  if (!number.is_whole || words < kTcpHeaderWords || *bytes < words * kWordBytes)
    return std::nullopt;
  segment.payload_bytes = static_cast<uint32_t>(*bytes - words * kWordBytes);
  return segment;
}

}  // namespace vmflow
