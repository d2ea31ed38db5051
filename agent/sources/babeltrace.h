// SPDX-License-Identifier: GPL-2.0-only
// Move-only owners of libbabeltrace2's objects, and its errors as one sentence.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <string>

#include "agent/c_handle.h"
#include "agent/result.h"

namespace vmflow::bt {

using Graph = CHandle<bt_graph, bt_graph_put_ref>;
using Plugin = CHandle<const bt_plugin, bt_plugin_put_ref>;
using Value = CHandle<bt_value, bt_value_put_ref>;
using ConstValue = CHandle<const bt_value, bt_value_put_ref>;
using QueryExecutor = CHandle<bt_query_executor, bt_query_executor_put_ref>;
using SinkClass = CHandle<const bt_component_class_sink, bt_component_class_sink_put_ref>;
using SourceClass = CHandle<const bt_component_class_source, bt_component_class_source_put_ref>;
using IteratorClass = CHandle<const bt_message_iterator_class, bt_message_iterator_class_put_ref>;
using Iterator = CHandle<bt_message_iterator, bt_message_iterator_put_ref>;
using TraceClass = CHandle<bt_trace_class, bt_trace_class_put_ref>;
using Trace = CHandle<bt_trace, bt_trace_put_ref>;
using StreamClass = CHandle<bt_stream_class, bt_stream_class_put_ref>;
using Stream = CHandle<bt_stream, bt_stream_put_ref>;
using EventClass = CHandle<bt_event_class, bt_event_class_put_ref>;
using ClockClass = CHandle<bt_clock_class, bt_clock_class_put_ref>;
using FieldClass = CHandle<bt_field_class, bt_field_class_put_ref>;
using Packet = CHandle<bt_packet, bt_packet_put_ref>;

/// What libbabeltrace2 says went wrong on this thread, its innermost cause; it is forgotten there.
std::string take_error();

/// It stays loaded: each trace asks for it several times, and loading takes a millisecond.
/// Errors: says which package is missing.
/// Threads: one at a time.
Result<Plugin> find_plugin(const char* name);

/// A graph without components; libbabeltrace2 logs nothing.
Result<Graph> new_graph();

/// Puts `value` under `key`. Errors: none but no memory, which ends in a missing parameter.
void set_text(bt_value* map, const char* key, const std::string& value);

/// "12345678-…". Empty if there is none.
std::string uuid_text(bt_uuid uuid);

}  // namespace vmflow::bt
