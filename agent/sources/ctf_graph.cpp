// SPDX-License-Identifier: GPL-2.0-only
#include "agent/sources/ctf_graph.h"

#include <fmt/format.h>

#include <exception>

#include "agent/sources/babeltrace.h"

namespace vmflow {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Receiver {
  const std::function<bool(const bt_message*)>& on_message;
  std::string thrown;
  bool has_thrown = false;
};

// Nothing may be thrown through libbabeltrace2. Every message of a batch is given back.
bt_graph_simple_sink_component_consume_func_status consume(bt_message_iterator* iterator,
                                                           void* data) {
  auto& receiver = *static_cast<Receiver*>(data);
  bt_message_array_const messages = nullptr;
  uint64_t count = 0;
  const auto status = bt_message_iterator_next(iterator, &messages, &count);
  if (status != BT_MESSAGE_ITERATOR_NEXT_STATUS_OK)
    return static_cast<bt_graph_simple_sink_component_consume_func_status>(status);
  bool goes_on = true;
  for (uint64_t i = 0; i < count; i++) {
    try {
      goes_on = goes_on && receiver.on_message(messages[i]);
    } catch (const std::exception& error) {
      receiver.thrown = error.what();
      receiver.has_thrown = true;
      goes_on = false;
    }
    bt_message_put_ref(messages[i]);
  }
  return goes_on ? BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK
                 : BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
}

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

/// The graph while it is put together.
class Wiring {
 public:
  Wiring(bt::Graph graph, bt::Plugin ctf, bt::Plugin utils)
      : graph_(std::move(graph)), ctf_(std::move(ctf)), utils_(std::move(utils)) {}

  Result<void> add_muxer() {
    const auto* muxer_class =
        bt_plugin_borrow_filter_component_class_by_name_const(utils_.get(), "muxer");
    if (muxer_class == nullptr ||
        bt_graph_add_filter_component(graph_.get(), muxer_class, "muxer", nullptr,
                                      BT_LOGGING_LEVEL_NONE, &muxer_) != 0)
      return failure("libbabeltrace2 has no muxer: " + bt::take_error());
    return {};
  }

  Result<void> add_trace(const CtfInput& input, size_t number) {
    const auto* source_class =
        bt_plugin_borrow_source_component_class_by_name_const(ctf_.get(), "fs");
    const auto parameters = parameters_of(input);
    const bt_component_source* source = nullptr;
    const auto name = fmt::format("trace-{}", number);
    if (source_class == nullptr ||
        bt_graph_add_source_component(graph_.get(), source_class, name.c_str(), parameters.get(),
                                      BT_LOGGING_LEVEL_NONE, &source) != 0)
      return failure(
          fmt::format("cannot read the trace {}: {}", input.paths.front(), bt::take_error()));
    const auto ports = bt_component_source_get_output_port_count(source);
    for (uint64_t i = 0; i < ports; i++) {
      const auto* from = bt_component_source_borrow_output_port_by_index_const(source, i);
      // It has one port more than are connected.
      const auto* to = bt_component_filter_borrow_input_port_by_index_const(muxer_, connected_++);
      if (bt_graph_connect_ports(graph_.get(), from, to, nullptr) != 0)
        return failure(
            fmt::format("cannot read the trace {}: {}", input.paths.front(), bt::take_error()));
    }
    return {};
  }

  bool is_empty() const { return connected_ == 0; }

  Result<void> run(Receiver& receiver) {
    const bt_component_sink* sink = nullptr;
    if (bt_graph_add_simple_sink_component(graph_.get(), "events", nullptr, consume, nullptr,
                                           &receiver, &sink) != 0 ||
        bt_graph_connect_ports(
            graph_.get(), bt_component_filter_borrow_output_port_by_index_const(muxer_, 0),
            bt_component_sink_borrow_input_port_by_index_const(sink, 0), nullptr) != 0)
      return failure("libbabeltrace2 cannot be wired: " + bt::take_error());
    const auto status = bt_graph_run(graph_.get());
    if (receiver.has_thrown) return failure("reading was given up: " + receiver.thrown);
    if (status != BT_GRAPH_RUN_STATUS_OK) return failure(bt::take_error());
    return {};
  }

 private:
  bt::Graph graph_;
  bt::Plugin ctf_, utils_;
  const bt_component_filter* muxer_ = nullptr;  // the graph's
  uint64_t connected_ = 0;
};

/// What libbabeltrace2 says in the words of its own code, in words for others.
std::string in_words(const std::string& reason) {
  if (reason.find("last-returned-ts") != std::string::npos)
    return "its packets are not in the order of time: the file was changed after it was recorded";
  return reason;
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
  auto graph = bt::new_graph();
  auto ctf = graph ? bt::find_plugin("ctf") : failure(graph.error().message);
  auto utils = ctf ? bt::find_plugin("utils") : failure(ctf.error().message);
  if (!utils) return failure(utils.error().message);
  Wiring wiring(std::move(*graph), std::move(*ctf), std::move(*utils));
  if (auto done = wiring.add_muxer(); !done) return done;
  for (size_t i = 0; i < inputs.size(); i++)
    if (auto done = wiring.add_trace(inputs[i], i); !done) return done;
  if (wiring.is_empty()) return {};
  Receiver receiver{on_message, {}, false};
  auto done = wiring.run(receiver);
  if (done || receiver.has_thrown) return done;
  return failure(fmt::format("cannot read the trace {}: {}", all_paths(inputs),
                             in_words(done.error().message)));
}

}  // namespace vmflow
