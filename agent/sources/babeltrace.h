// SPDX-License-Identifier: GPL-2.0-only
// Move-only owners of libbabeltrace2's objects, and its errors as one sentence.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <memory>
#include <string>

#include "agent/result.h"

namespace vmflow::bt {

template <auto kPut>
struct Put {
  template <typename T>
  void operator()(T* object) const {
    kPut(object);
  }
};

template <typename T, auto kPut>
using Owner = std::unique_ptr<T, Put<kPut>>;

using Graph = Owner<bt_graph, bt_graph_put_ref>;
using Plugin = Owner<const bt_plugin, bt_plugin_put_ref>;
using Value = Owner<bt_value, bt_value_put_ref>;
using SinkClass = Owner<const bt_component_class_sink, bt_component_class_sink_put_ref>;
using SourceClass = Owner<const bt_component_class_source, bt_component_class_source_put_ref>;
using IteratorClass = Owner<const bt_message_iterator_class, bt_message_iterator_class_put_ref>;
using Iterator = Owner<bt_message_iterator, bt_message_iterator_put_ref>;
using TraceClass = Owner<bt_trace_class, bt_trace_class_put_ref>;
using Trace = Owner<bt_trace, bt_trace_put_ref>;
using StreamClass = Owner<bt_stream_class, bt_stream_class_put_ref>;
using Stream = Owner<bt_stream, bt_stream_put_ref>;
using EventClass = Owner<bt_event_class, bt_event_class_put_ref>;
using ClockClass = Owner<bt_clock_class, bt_clock_class_put_ref>;
using FieldClass = Owner<bt_field_class, bt_field_class_put_ref>;
using Packet = Owner<bt_packet, bt_packet_put_ref>;

/// What libbabeltrace2 says went wrong on this thread, its innermost cause; it is forgotten there.
std::string take_error();

/// Errors: says which package is missing.
Result<Plugin> find_plugin(const char* name);

/// A graph without components; libbabeltrace2 logs nothing.
Result<Graph> new_graph();

/// Puts `value` under `key`. Errors: none but no memory, which ends in a missing parameter.
void set_text(bt_value* map, const char* key, const std::string& value);

/// "12345678-…". Empty if there is none.
std::string uuid_text(bt_uuid uuid);

}  // namespace vmflow::bt
