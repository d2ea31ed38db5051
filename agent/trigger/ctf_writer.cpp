// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/ctf_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "agent/sources/isolated_process.h"
#include "agent/trigger/ctf_source.h"

namespace vmflow {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMemoryBytes = 2ull << 30;
constexpr uint64_t kCpuSeconds = 600;
constexpr std::chrono::minutes kSilence{10};  // it says nothing until it is done

Result<const bt_component_sink*> add_sink(bt_graph* graph, const bt_plugin* ctf,
                                          const std::string& path) {
  const bt::Value parameters(bt_value_map_create());
  bt::set_text(parameters.get(), "path", path);
  bt_value_map_insert_bool_entry(parameters.get(), "assume-single-trace", BT_TRUE);
  bt_value_map_insert_bool_entry(parameters.get(), "quiet", BT_TRUE);
  const auto* sink_class = bt_plugin_borrow_sink_component_class_by_name_const(ctf, "fs");
  const bt_component_sink* sink = nullptr;
  if (sink_class == nullptr ||
      bt_graph_add_sink_component(graph, sink_class, "trace", parameters.get(),
                                  BT_LOGGING_LEVEL_NONE, &sink) != 0)
    return failure(bt::take_error());
  return sink;
}

/// The trace is complete once the graph is gone: its metadata is written then.
Result<void> write_here(const std::string& path, CtfSourceData& data) {
  const auto graph = bt::new_graph();
  const auto ctf = graph ? bt::find_plugin("ctf") : failure(graph.error().message);
  if (!ctf) return failure(ctf.error().message);
  const auto source = add_ctf_source(graph->get(), data);
  if (!source) return failure(source.error().message);
  const auto sink = add_sink(graph->get(), ctf->get(), path);
  if (!sink) return failure(sink.error().message);
  if (bt_graph_connect_ports(
          graph->get(), bt_component_source_borrow_output_port_by_index_const(*source, 0),
          bt_component_sink_borrow_input_port_by_index_const(*sink, 0), nullptr) != 0)
    return failure(bt::take_error());
  if (bt_graph_run(graph->get()) != BT_GRAPH_RUN_STATUS_OK) {
    const auto reason = bt::take_error();
    return failure(data.thrown.empty() ? reason : data.thrown);
  }
  return {};
}

Result<void> write_in_child(const std::string& path, std::span<const Event> events,
                            const CtfWriteOptions& options) {
  auto process = IsolatedProcess::start({kMemoryBytes, kCpuSeconds, true}, [&](FrameWriter& out) {
    const auto plan = plan_ctf(events, options.coverage);
    CtfSourceData data{events, plan, options, {}};
    const auto done = write_here(path, data);
    out.send(done ? FrameKind::kDone : FrameKind::kError, done ? "" : done.error().message);
  });
  if (!process) return failure(process.error().message);
  const auto frame = process->next(kSilence);
  if (!frame) return failure(frame.error().message);
  if (frame->kind != FrameKind::kDone) return failure(frame->bytes);
  return {};
}

}  // namespace

Result<void> write_ctf(const std::string& path, std::span<const Event> events,
                       const CtfWriteOptions& options) {
  std::error_code error;
  if (fs::exists(fs::symlink_status(path, error)))
    return failure(fmt::format("cannot write the trace {}: it is there already", path));
  const auto done = write_in_child(path, events, options);
  if (done && fs::exists(fs::path(path) / "metadata", error)) return {};
  const auto space = fs::space(fs::path(path).parent_path(), error);
  const bool is_full = !error && space.available < (1u << 20);
  fs::remove_all(path, error);
  return failure(fmt::format("cannot write the trace {}: {}{}", path,
                             done ? "no metadata came of it" : done.error().message,
                             is_full ? "; the disk is full" : ""));
}

}  // namespace vmflow
