// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/ctf_source.h"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <unordered_map>

#include "agent/trigger/ctf_classes.h"

namespace vmflow {
namespace {

/// One CPU's stream while it is sent.
struct OpenStream {
  bt::Stream stream;
  bt::Packet packet;
};

template <typename T>
T* have(T* object) {
  if (object == nullptr) throw std::runtime_error(bt::take_error());
  return object;
}

void set_number(bt_field* field, CtfType type, uint64_t value) {
  using enum CtfType;
  const auto cut = [&](unsigned bits) { return bits == 64 ? value : value & ((1ull << bits) - 1); };
  switch (type) {
    case kI32:
      bt_field_integer_signed_set_value(field, static_cast<int32_t>(value));
      break;
    case kI64:
      bt_field_integer_signed_set_value(field, static_cast<int64_t>(value));
      break;
    case kU8:
      bt_field_integer_unsigned_set_value(field, cut(8));
      break;
    case kU16:
      bt_field_integer_unsigned_set_value(field, cut(16));
      break;
    case kU32:
      bt_field_integer_unsigned_set_value(field, cut(32));
      break;
    default:
      bt_field_integer_unsigned_set_value(field, value);
  }
}

void set_text(bt_field* field, const Comm& comm) {
  const auto text = text_of(comm);
  bt_field_string_clear(field);
  if (bt_field_string_append_with_length(field, text.data(), text.size()) != 0)
    throw std::runtime_error(bt::take_error());
}

/// The messages, one after the other: streams begin, the plan's steps, streams end.
class Sender {
 public:
  Sender(bt_self_component* self, CtfSourceData& data)
      : data_(data), classes_(make_ctf_classes(self, data.options)), names_(data.options.names) {
    for (const auto& event : data.events) learn_names(event, false);
    for (const auto cpu : data.plan.cpus) {
      auto& stream = streams_[cpu].stream;
      stream.reset(have(bt_stream_create(classes_.stream_class.get(), classes_.trace.get())));
      // The sink names its file so.
      if (bt_stream_set_name(stream.get(), ("cpu_" + std::to_string(cpu)).c_str()) != 0)
        throw std::runtime_error(bt::take_error());
    }
  }

  CtfSourceData& data() { return data_; }

  /// Null: that was all.
  bt_message* next(bt_self_message_iterator* self) {
    const auto& cpus = data_.plan.cpus;
    const auto at = sent_++;
    if (at < cpus.size())
      return have(bt_message_stream_beginning_create(self, streams_[cpus[at]].stream.get()));
    const auto step = at - cpus.size();
    if (step < data_.plan.steps.size()) return send(self, data_.plan.steps[step]);
    const auto end = step - data_.plan.steps.size();
    if (end < cpus.size())
      return have(bt_message_stream_end_create(self, streams_[cpus[end]].stream.get()));
    return nullptr;
  }

 private:
  bt_message* send(bt_self_message_iterator* self, const CtfStep& step) {
    auto& open = streams_[step.cpu];
    switch (step.kind) {
      case CtfStepKind::kBeginPacket:
        open.packet.reset(have(bt_packet_create(open.stream.get())));
        bt_field_integer_unsigned_set_value(
            bt_field_structure_borrow_member_field_by_index(
                bt_packet_borrow_context_field(open.packet.get()), 0),
            step.cpu);
        return have(bt_message_packet_beginning_create_with_default_clock_snapshot(
            self, open.packet.get(), step.ns));
      case CtfStepKind::kEndPacket:
        return have(bt_message_packet_end_create_with_default_clock_snapshot(
            self, open.packet.get(), step.ns));
      case CtfStepKind::kLost: {
        auto* message = have(bt_message_discarded_events_create_with_default_clock_snapshots(
            self, open.stream.get(), step.ns, step.end_ns));
        bt_message_discarded_events_set_count(message, step.number);
        return message;
      }
      case CtfStepKind::kEvent:
        break;
    }
    return send_event(self, open, data_.events[step.number]);
  }

  bt_message* send_event(bt_self_message_iterator* self, const OpenStream& open,
                         const Event& event) {
    CtfValues values;
    learn_names(event, true);
    const auto& row = written_as(event.data, names_, values);
    auto* message = have(bt_message_event_create_with_packet_and_default_clock_snapshot(
        self, classes_.events.at(&row).get(), open.packet.get(), event.ns));
    auto* to = bt_message_event_borrow_event(message);
    fill_context(bt_event_borrow_common_context_field(to), event);
    auto* payload = bt_event_borrow_payload_field(to);
    for (size_t i = 0; i < row.fields.size(); i++) {
      auto* field = bt_field_structure_borrow_member_field_by_index(payload, i);
      if (row.fields[i].type == CtfType::kText)
        set_text(field, values.text[i]);
      else
        set_number(field, row.fields[i].type, values.number[i]);
    }
    return message;
  }

  void fill_context(bt_field* context, const Event& event) {
    const auto field = [&](CtfContext place) {
      return bt_field_structure_borrow_member_field_by_index(context, place);
    };
    set_number(field(kContextPid), CtfType::kI32, event.tgid);
    set_number(field(kContextTid), CtfType::kI32, event.tid);
    set_text(field(kContextName), name_of(event));
    set_number(field(kContextKvm), CtfType::kAddress, event.kvm);
  }

  /// As the kernel has it: the idle threads share their number.
  Comm name_of(const Event& event) const {
    Comm comm{};
    if (event.tid == 0) {
      const auto text = "swapper/" + std::to_string(event.cpu);
      std::copy_n(text.begin(), std::min(text.size(), comm.size()), comm.begin());
      return comm;
    }
    const auto known = names_.find(event.tid);
    return known == names_.end() ? comm : known->second;
  }

  /// Threads may be renamed: the newest name counts, and before the first one that.
  void learn_names(const Event& event, bool replaces) {
    const auto learn = [&](uint32_t tid, const Comm& comm) {
      if (comm[0] == '\0') return;
      if (replaces)
        names_[tid] = comm;
      else
        names_.try_emplace(tid, comm);
    };
    if (const auto* at = std::get_if<SwitchEvent>(&event.data)) {
      learn(at->prev_tid, at->prev_comm);
      learn(at->next_tid, at->next_comm);
    } else if (const auto* waking = std::get_if<WakingEvent>(&event.data)) {
      learn(waking->tid, waking->comm);
    }
  }

  CtfSourceData& data_;
  CtfClasses classes_;
  ThreadNames names_;
  std::unordered_map<uint32_t, OpenStream> streams_;
  uint64_t sent_ = 0;
};

// The component keeps its Sender until it is finalized. Nothing may be thrown through
// libbabeltrace2.

bt_component_class_initialize_method_status initialize(bt_self_component_source* self,
                                                       bt_self_component_source_configuration*,
                                                       const bt_value*, void* data) {
  auto& source = *static_cast<CtfSourceData*>(data);
  auto* component = bt_self_component_source_as_self_component(self);
  try {
    auto sender = std::make_unique<Sender>(component, source);
    if (bt_self_component_source_add_output_port(self, "out", nullptr, nullptr) != 0)
      throw std::runtime_error(bt::take_error());
    bt_self_component_set_data(component, sender.release());
    return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
  } catch (const std::exception& error) {
    source.thrown = error.what();
    return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
  }
}

void finalize(bt_self_component_source* self) {
  const std::unique_ptr<Sender> sender(static_cast<Sender*>(
      bt_self_component_get_data(bt_self_component_source_as_self_component(self))));
}

bt_message_iterator_class_next_method_status next(bt_self_message_iterator* self,
                                                  bt_message_array_const messages,
                                                  uint64_t capacity, uint64_t* count) {
  auto& sender = *static_cast<Sender*>(
      bt_self_component_get_data(bt_self_message_iterator_borrow_component(self)));
  *count = 0;
  try {
    while (*count < capacity) {
      const auto* message = sender.next(self);
      if (message == nullptr) break;
      messages[(*count)++] = message;
    }
  } catch (const std::exception& error) {
    sender.data().thrown = error.what();
    while (*count > 0) bt_message_put_ref(messages[--*count]);
    return BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_ERROR;
  }
  return *count > 0 ? BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK
                    : BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END;
}

}  // namespace

Result<const bt_component_source*> add_ctf_source(bt_graph* graph, CtfSourceData& data) {
  const bt::IteratorClass iterator(bt_message_iterator_class_create(next));
  if (!iterator) return failure(bt::take_error());
  auto* made = bt_component_class_source_create(
      "vmflow-events", const_cast<bt_message_iterator_class*>(iterator.get()));
  if (made == nullptr) return failure(bt::take_error());
  const bt::SourceClass owner(made);
  const bt_component_source* component = nullptr;
  if (bt_component_class_source_set_initialize_method(made, initialize) != 0 ||
      bt_component_class_source_set_finalize_method(made, finalize) != 0 ||
      bt_graph_add_source_component_with_initialize_method_data(
          graph, made, "events", nullptr, &data, BT_LOGGING_LEVEL_NONE, &component) != 0) {
    const auto reason = bt::take_error();
    return failure(data.thrown.empty() ? reason : data.thrown);
  }
  return component;
}

}  // namespace vmflow
