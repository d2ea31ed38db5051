// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_message_order.h"

#include <algorithm>

namespace vmflow {
namespace {

const bt_stream_class* class_of(const bt_stream* stream) {
  return bt_stream_borrow_class_const(stream);
}

const bt_stream_class* class_of(const bt_packet* packet) {
  return class_of(bt_packet_borrow_stream_const(packet));
}

const bt_clock_snapshot* begin_of_stream(const bt_message* message) {
  const bt_clock_snapshot* time = nullptr;
  const auto state =
      bt_message_stream_beginning_borrow_default_clock_snapshot_const(message, &time);
  return state == BT_MESSAGE_STREAM_CLOCK_SNAPSHOT_STATE_KNOWN ? time : nullptr;
}

const bt_clock_snapshot* end_of_stream(const bt_message* message) {
  const bt_clock_snapshot* time = nullptr;
  const auto state = bt_message_stream_end_borrow_default_clock_snapshot_const(message, &time);
  return state == BT_MESSAGE_STREAM_CLOCK_SNAPSHOT_STATE_KNOWN ? time : nullptr;
}

const bt_clock_snapshot* begin_of_packet(const bt_message* message) {
  const auto* of = class_of(bt_message_packet_beginning_borrow_packet_const(message));
  return bt_stream_class_packets_have_beginning_default_clock_snapshot(of)
             ? bt_message_packet_beginning_borrow_default_clock_snapshot_const(message)
             : nullptr;
}

const bt_clock_snapshot* end_of_packet(const bt_message* message) {
  const auto* of = class_of(bt_message_packet_end_borrow_packet_const(message));
  return bt_stream_class_packets_have_end_default_clock_snapshot(of)
             ? bt_message_packet_end_borrow_default_clock_snapshot_const(message)
             : nullptr;
}

const bt_clock_snapshot* begin_of_lost_events(const bt_message* message) {
  const auto* of = class_of(bt_message_discarded_events_borrow_stream_const(message));
  return bt_stream_class_discarded_events_have_default_clock_snapshots(of)
             ? bt_message_discarded_events_borrow_beginning_default_clock_snapshot_const(message)
             : nullptr;
}

const bt_clock_snapshot* begin_of_lost_packets(const bt_message* message) {
  const auto* of = class_of(bt_message_discarded_packets_borrow_stream_const(message));
  return bt_stream_class_discarded_packets_have_default_clock_snapshots(of)
             ? bt_message_discarded_packets_borrow_beginning_default_clock_snapshot_const(message)
             : nullptr;
}

}  // namespace

CtfStreamOrder order_of(const bt_stream* stream) {
  const auto* trace = bt_stream_borrow_trace_const(stream);
  CtfStreamOrder order;
  if (const auto* uuid = bt_trace_get_uuid(trace)) {
    order.has_no_uuid = false;
    std::copy_n(uuid, order.uuid.size(), order.uuid.begin());
  }
  if (const char* name = bt_trace_get_name(trace)) {
    order.has_no_name = false;
    order.name = name;
  }
  order.class_id = bt_stream_class_get_id(class_of(stream));
  order.id = bt_stream_get_id(stream);
  return order;
}

const bt_clock_snapshot* time_of(const bt_message* message, bt_message_type type) {
  switch (type) {
    case BT_MESSAGE_TYPE_EVENT:
      return bt_message_event_borrow_default_clock_snapshot_const(message);
    case BT_MESSAGE_TYPE_STREAM_BEGINNING:
      return begin_of_stream(message);
    case BT_MESSAGE_TYPE_STREAM_END:
      return end_of_stream(message);
    case BT_MESSAGE_TYPE_PACKET_BEGINNING:
      return begin_of_packet(message);
    case BT_MESSAGE_TYPE_PACKET_END:
      return end_of_packet(message);
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
      return begin_of_lost_events(message);
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
      return begin_of_lost_packets(message);
    case BT_MESSAGE_TYPE_MESSAGE_ITERATOR_INACTIVITY:
      return bt_message_message_iterator_inactivity_borrow_clock_snapshot_const(message);
  }
  return nullptr;
}

int place_of_kind(bt_message_type type) {
  switch (type) {
    case BT_MESSAGE_TYPE_STREAM_BEGINNING:
      return 0;
    case BT_MESSAGE_TYPE_PACKET_BEGINNING:
      return 1;
    case BT_MESSAGE_TYPE_EVENT:
      return 2;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
      return 3;
    case BT_MESSAGE_TYPE_PACKET_END:
      return 4;
    case BT_MESSAGE_TYPE_MESSAGE_ITERATOR_INACTIVITY:
      return 5;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
      return 6;
    case BT_MESSAGE_TYPE_STREAM_END:
      break;
  }
  return 7;
}

}  // namespace vmflow
