// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_merge.h"

#include <algorithm>
#include <exception>
#include <tuple>

namespace vmflow {
namespace {

// libbabeltrace2 comes back at once for more.
constexpr int kMessagesPerCall = 4096;

constexpr auto kOk = BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_OK;
constexpr auto kEnd = BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_END;
constexpr auto kError = BT_COMPONENT_CLASS_SINK_CONSUME_METHOD_STATUS_ERROR;

CtfMerge& merge_of(bt_self_component_sink* self) {
  return *static_cast<CtfMerge*>(
      bt_self_component_get_data(bt_self_component_sink_as_self_component(self)));
}

bt_component_class_initialize_method_status initialize(bt_self_component_sink* self,
                                                       bt_self_component_sink_configuration*,
                                                       const bt_value*, void* data) {
  bt_self_component_set_data(bt_self_component_sink_as_self_component(self), data);
  for (uint64_t i = 0; i < static_cast<CtfMerge*>(data)->ports(); i++)
    if (bt_self_component_sink_add_input_port(self, std::to_string(i).c_str(), nullptr, nullptr) !=
        BT_SELF_COMPONENT_ADD_PORT_STATUS_OK)
      return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
  return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

bt_component_class_sink_graph_is_configured_method_status begin(bt_self_component_sink* self) {
  return merge_of(self).begin(self)
             ? BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_OK
             : BT_COMPONENT_CLASS_SINK_GRAPH_IS_CONFIGURED_METHOD_STATUS_ERROR;
}

CtfMerge::Status consume(bt_self_component_sink* self) {
  return merge_of(self).consume();
}

void finalize(bt_self_component_sink* self) {
  merge_of(self).release();
}

bt::SinkClass new_class() {
  auto* made = bt_component_class_sink_create("events", consume);
  bt::SinkClass owner(made);
  if (made == nullptr || bt_component_class_sink_set_initialize_method(made, initialize) != 0 ||
      bt_component_class_sink_set_graph_is_configured_method(made, begin) != 0 ||
      bt_component_class_sink_set_finalize_method(made, finalize) != 0)
    owner.reset();
  return owner;
}

}  // namespace

Result<void> CtfMerge::connect(bt_graph* graph, const std::vector<const bt_port_output*>& from) {
  ports_ = from.size();
  const auto sink_class = new_class();
  const bt_component_sink* sink = nullptr;
  if (!sink_class ||
      bt_graph_add_sink_component_with_initialize_method_data(
          graph, sink_class.get(), "events", nullptr, this, BT_LOGGING_LEVEL_NONE, &sink) != 0)
    return failure("libbabeltrace2 cannot be wired: " + bt::take_error());
  for (uint64_t i = 0; i < ports_; i++)
    if (bt_graph_connect_ports(graph, from[i],
                               bt_component_sink_borrow_input_port_by_index_const(sink, i),
                               nullptr) != 0)
      return failure(bt::take_error());
  return {};
}

bool CtfMerge::begin(bt_self_component_sink* self) {
  inputs_.resize(ports_);
  for (uint64_t i = 0; i < ports_; i++) {
    bt_message_iterator* iterator = nullptr;
    if (bt_message_iterator_create_from_sink_component(
            self, bt_self_component_sink_borrow_input_port_by_index(self, i), &iterator) != 0)
      return false;
    inputs_[i].iterator.reset(iterator);
  }
  return true;
}

void CtfMerge::release() {
  for (auto& input : inputs_)
    for (; input.next < input.count; input.next++) bt_message_put_ref(input.messages[input.next]);
  heap_.clear();
  inputs_.clear();
}

// Nothing may be thrown through libbabeltrace2.
bool CtfMerge::hand_on(const bt_message* message) {
  bool goes_on = false;
  try {
    goes_on = on_message_(message);
  } catch (const std::exception& error) {
    thrown_ = error.what();
    if (thrown_.empty()) thrown_ = "for no reason that was given";
  }
  bt_message_put_ref(message);
  return goes_on;
}

CtfMerge::Status CtfMerge::consume() {
  if (!has_begun_)
    if (const auto status = begin_heap(); status != kOk) return status;
  for (int i = 0; i < kMessagesPerCall && !heap_.empty(); i++) {
    Input& input = *heap_.front();
    if (input.ns < last_ns_) {
      failed_with_ =
          "its packets are not in the order of time: the file was changed after it was recorded";
      return kError;
    }
    last_ns_ = input.ns;
    if (!hand_on(input.messages[input.next++])) return kEnd;
    const auto status = take_next(input);
    if (status == kEnd) {
      heap_.front() = heap_.back();
      heap_.pop_back();
    } else if (status != kOk) {
      return status;
    }
    if (has_new_stream_) order_all();
    if (!heap_.empty()) move_down(0);
  }
  return heap_.empty() ? kEnd : kOk;
}

CtfMerge::Status CtfMerge::begin_heap() {
  has_begun_ = true;
  for (auto& input : inputs_) {
    const auto status = take_next(input);
    if (status == kOk)
      heap_.push_back(&input);
    else if (status != kEnd)
      return status;
  }
  order_all();
  return kOk;
}

/// kEnd: there is none.
CtfMerge::Status CtfMerge::take_next(Input& input) {
  if (input.next == input.count) {
    input.next = input.count = 0;
    const auto status =
        bt_message_iterator_next(input.iterator.get(), &input.messages, &input.count);
    if (status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK) return static_cast<Status>(status);
  }
  return note_next(input);
}

CtfMerge::Status CtfMerge::note_next(Input& input) {
  const auto* message = input.messages[input.next];
  const auto type = bt_message_get_type(message);
  if (type == BT_MESSAGE_TYPE_STREAM_BEGINNING) {
    const auto* stream = bt_message_stream_beginning_borrow_stream_const(message);
    input.stream = order_of(stream);
    input.has_clock = bt_stream_class_borrow_default_clock_class_const(
                          bt_stream_borrow_class_const(stream)) != nullptr;
    has_new_stream_ = true;
  }
  input.kind = place_of_kind(type);
  const auto* time = input.has_clock ? time_of(message, type) : nullptr;
  // What tells no time comes as soon as it can.
  input.ns = last_ns_;
  if (time == nullptr) return kOk;
  return bt_clock_snapshot_get_ns_from_origin(time, &input.ns) ==
                 BT_CLOCK_SNAPSHOT_GET_NS_FROM_ORIGIN_STATUS_OK
             ? kOk
             : kError;
}

bool CtfMerge::is_before(const Input& a, const Input& b) {
  if (a.ns != b.ns) return a.ns < b.ns;
  return std::tuple(a.rank, a.kind, &a) < std::tuple(b.rank, b.kind, &b);
}

void CtfMerge::move_down(size_t at) {
  Input* const moving = heap_[at];
  for (size_t child = 0; (child = 2 * at + 1) < heap_.size(); at = child) {
    if (child + 1 < heap_.size() && is_before(*heap_[child + 1], *heap_[child])) child++;
    if (!is_before(*heap_[child], *moving)) break;
    heap_[at] = heap_[child];
  }
  heap_[at] = moving;
}

void CtfMerge::order_all() {
  has_new_stream_ = false;
  for (auto& input : inputs_)
    input.rank = static_cast<size_t>(std::ranges::count_if(
        inputs_, [&](const Input& other) { return other.stream < input.stream; }));
  for (size_t i = heap_.size() / 2; i-- > 0;) move_down(i);
}

}  // namespace vmflow
