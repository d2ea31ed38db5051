// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "agent/sources/ctf_decode.h"
#include "agent/sources/ctf_folders.h"
#include "agent/sources/ctf_graph.h"
#include "agent/sources/ctf_ranges.h"

namespace vmflow {
namespace {

constexpr uint64_t kMessagesPerReport = 100'000;

/// True if every stream of the trace has a clock: without one nothing can be ordered.
bool has_clocks(const bt_stream* stream) {
  const auto* trace_class = bt_trace_borrow_class_const(bt_stream_borrow_trace_const(stream));
  for (uint64_t i = 0; i < bt_trace_class_get_stream_class_count(trace_class); i++)
    if (bt_stream_class_borrow_default_clock_class_const(
            bt_trace_class_borrow_stream_class_by_index_const(trace_class, i)) == nullptr)
      return false;
  return true;
}

/// What the trace in `path` says of itself; a trace without streams says nothing.
Result<TraceReading> probe(const std::string& path) {
  TraceReading reading;
  bool is_timed = true;
  const auto done = run_ctf_graph({{{path}, 0}}, [&](const bt_message* message) {
    if (bt_message_get_type(message) != BT_MESSAGE_TYPE_STREAM_BEGINNING) return true;
    const auto* stream = bt_message_stream_beginning_borrow_stream_const(message);
    reading = describe(stream);
    is_timed = has_clocks(stream);
    return false;
  });
  if (!done) return failure(done.error().message);
  if (!is_timed || (!reading.declared.empty() && reading.clock.frequency == 0))
    return failure(fmt::format("the trace {} has no clock: its events cannot be ordered", path));
  reading.paths = {path};
  if (reading.clock.frequency == 0) return reading;
  const auto begin_ns = last_stream_begin_ns(path, reading.clock.offset_ns);
  if (!begin_ns) return tl::unexpected(begin_ns.error());
  reading.whole_from_ns = *begin_ns;
  return reading;
}

bool has_streams(const TraceReading& trace) {
  return trace.clock.frequency != 0;
}

/// Snapshots of the same recording are one trace, so that what both hold is read once.
void add_trace(std::vector<TraceReading>& traces, TraceReading trace) {
  const auto same = std::ranges::find_if(traces, [&](const TraceReading& other) {
    return !trace.uuid.empty() && other.uuid == trace.uuid && other.clock == trace.clock;
  });
  if (same == traces.end()) {
    traces.push_back(std::move(trace));
    return;
  }
  same->paths.push_back(trace.paths.front());
  same->declared.merge(trace.declared);
  same->whole_from_ns = std::min(same->whole_from_ns, trace.whole_from_ns);
}

/// Two clocks that tick alike and from the same boot can be merged.
Result<void> check_clocks(const std::vector<TraceReading>& traces) {
  const TraceReading* first = nullptr;
  for (const auto& trace : traces) {
    if (!has_streams(trace)) continue;
    if (first == nullptr) first = &trace;
    if (trace.clock.name != first->clock.name || trace.clock.uuid != first->clock.uuid)
      return failure(fmt::format(
          "{} and {} have different clocks ({} {}, {} {}), perhaps of two boots: read them apart",
          first->paths.front(), trace.paths.front(), first->clock.name, first->clock.uuid,
          trace.clock.name, trace.clock.uuid));
  }
  return {};
}

Result<std::vector<TraceReading>> probe_all(const std::vector<std::string>& paths) {
  const auto folders = find_trace_folders(paths);
  if (!folders) return failure(folders.error().message);
  std::vector<TraceReading> traces;
  for (const auto& folder : *folders) {
    auto trace = probe(folder);
    if (!trace) return failure(trace.error().message);
    add_trace(traces, std::move(*trace));
  }
  if (auto good = check_clocks(traces); !good) return failure(good.error().message);
  return traces;
}

}  // namespace

Result<TraceContents> read_ctf(const std::vector<std::string>& paths, const CtfReadOptions& options,
                               const EventSink& sink) {
  auto traces = probe_all(paths);
  if (!traces) return failure(traces.error().message);
  TraceContents contents;
  contents.traces = std::move(*traces);
  std::vector<CtfInput> inputs;
  for (const auto& trace : contents.traces)
    if (has_streams(trace)) inputs.push_back({trace.paths, trace.clock.offset_ns});
  if (options.on_progress && !options.on_progress(contents)) {
    contents.interrupted = true;
    return contents;
  }
  CtfDecoder decoder(contents);
  uint64_t messages = 0;
  const auto done = run_ctf_graph(inputs, [&](const bt_message* message) {
    if (++messages > options.most_messages)
      throw std::runtime_error(fmt::format("more than {} messages", options.most_messages));
    const auto event = decoder.decode(message);
    const bool goes_on =
        (!event || sink(*event)) && (messages % kMessagesPerReport != 0 || !options.on_progress ||
                                     options.on_progress(contents));
    contents.interrupted = !goes_on;
    return goes_on;
  });
  if (!done) return failure(done.error().message);
  return contents;
}

}  // namespace vmflow
