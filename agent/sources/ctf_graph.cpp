// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_graph.h"

#include <fmt/format.h>

#include "agent/sources/babeltrace.h"
#include "agent/sources/ctf_merge.h"

namespace vmflow {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

bt::Value parameters_of(const CtfInput& input) {
  bt::Value map(bt_value_map_create());
  bt_value* paths = nullptr;
  bt_value_map_insert_empty_array_entry(map.get(), "inputs", &paths);
  for (const auto& path : input.paths) bt_value_array_append_string_element(paths, path.c_str());
  bt_value_map_insert_signed_integer_entry(map.get(), "clock-class-offset-s",
                                           -(input.offset_ns / kSecond));
  bt_value_map_insert_signed_integer_entry(map.get(), "clock-class-offset-ns",
                                           -(input.offset_ns % kSecond));
  bt_value_map_insert_bool_entry(map.get(), "force-clock-class-origin-unix-epoch", BT_TRUE);
  return map;
}

/// Adds what reads `input`, and its streams' ports to `ports`.
Result<void> add_trace(bt_graph* graph, const bt_plugin* ctf, const CtfInput& input, size_t number,
                       std::vector<const bt_port_output*>& ports) {
  const auto* source_class = bt_plugin_borrow_source_component_class_by_name_const(ctf, "fs");
  const auto parameters = parameters_of(input);
  const bt_component_source* source = nullptr;
  const auto name = fmt::format("trace-{}", number);
  if (source_class == nullptr ||
      bt_graph_add_source_component(graph, source_class, name.c_str(), parameters.get(),
                                    BT_LOGGING_LEVEL_NONE, &source) != 0)
    return failure(
        fmt::format("cannot read the trace {}: {}", input.paths.front(), bt::take_error()));
  const auto count = bt_component_source_get_output_port_count(source);
  for (uint64_t i = 0; i < count; i++)
    ports.push_back(bt_component_source_borrow_output_port_by_index_const(source, i));
  return {};
}

std::string all_paths(const std::vector<CtfInput>& inputs) {
  std::string text;
  for (const auto& input : inputs)
    for (const auto& path : input.paths) text += (text.empty() ? "" : ", ") + path;
  return text;
}

}  // namespace

Result<void> run_ctf_graph(const std::vector<CtfInput>& inputs,
                           const std::function<bool(const bt_message*)>& on_message) {
  // The graph is gone before it.
  CtfMerge merge(on_message);
  const auto ctf = bt::find_plugin("ctf");
  const auto graph = ctf ? bt::new_graph() : failure(ctf.error().message);
  if (!graph) return failure(graph.error().message);
  std::vector<const bt_port_output*> ports;
  for (size_t i = 0; i < inputs.size(); i++)
    if (auto done = add_trace(graph->get(), ctf->get(), inputs[i], i, ports); !done) return done;
  if (ports.empty()) return {};
  const auto unreadable = [&](const std::string& reason) {
    return failure(fmt::format("cannot read the trace {}: {}", all_paths(inputs), reason));
  };
  if (auto done = merge.connect(graph->get(), ports); !done)
    return unreadable(done.error().message);
  const auto status = bt_graph_run(graph->get());
  if (!merge.thrown().empty()) return failure("reading was given up: " + merge.thrown());
  if (status == BT_GRAPH_RUN_STATUS_OK) return {};
  const auto reason = bt::take_error();
  return unreadable(merge.failed_with().empty() ? reason : merge.failed_with());
}

}  // namespace vmflow
