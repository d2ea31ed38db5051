// SPDX-License-Identifier: GPL-2.0-only
// Messages come in the order in which libbabeltrace2's own muxer hands them on.
#include <gtest/gtest.h>

#include <stdexcept>
#include <tuple>

#include "agent/sources/babeltrace.h"
#include "agent/sources/ctf_graph.h"
#include "agent/trigger/ctf_writer.h"
#include "tests/agent/unit/temporary_folder.h"

namespace vmflow::test {
namespace {

/// Kind, and of an event its trace, stream and time.
using Seen = std::tuple<int, std::string, uint64_t, uint64_t>;

Seen seen(const bt_message* message) {
  const auto type = bt_message_get_type(message);
  if (type != BT_MESSAGE_TYPE_EVENT) return {static_cast<int>(type), "", 0, 0};
  const auto* stream = bt_event_borrow_stream_const(bt_message_event_borrow_event_const(message));
  return {
      static_cast<int>(type),
      bt::uuid_text(bt_trace_get_uuid(bt_stream_borrow_trace_const(stream))),
      bt_stream_get_id(stream),
      bt_clock_snapshot_get_value(bt_message_event_borrow_default_clock_snapshot_const(message))};
}

std::vector<Seen> merged(const std::vector<std::string>& traces) {
  std::vector<CtfInput> inputs;
  for (const auto& trace : traces) inputs.push_back({{trace}, 0});
  std::vector<Seen> all;
  const auto done = run_ctf_graph(inputs, [&](const bt_message* message) {
    all.push_back(seen(message));
    return true;
  });
  if (!done) throw std::runtime_error(done.error().message);
  return all;
}

bt_graph_simple_sink_component_consume_func_status take(bt_message_iterator* iterator, void* all) {
  bt_message_array_const messages = nullptr;
  uint64_t count = 0;
  const auto status = bt_message_iterator_next(iterator, &messages, &count);
  for (uint64_t i = 0; i < count; i++) {
    static_cast<std::vector<Seen>*>(all)->push_back(seen(messages[i]));
    bt_message_put_ref(messages[i]);
  }
  return static_cast<bt_graph_simple_sink_component_consume_func_status>(status);
}

/// The same by libbabeltrace2's muxer.
std::vector<Seen> muxed(const std::vector<std::string>& traces) {
  const auto graph = bt::new_graph();
  const auto ctf = bt::find_plugin("ctf"), utils = bt::find_plugin("utils");
  const bt_component_filter* muxer = nullptr;
  bt_graph_add_filter_component(
      graph->get(), bt_plugin_borrow_filter_component_class_by_name_const(utils->get(), "muxer"),
      "muxer", nullptr, BT_LOGGING_LEVEL_NONE, &muxer);
  uint64_t connected = 0;
  for (const auto& trace : traces) {
    const bt::Value parameters(bt_value_map_create());
    bt_value* inputs = nullptr;
    bt_value_map_insert_empty_array_entry(parameters.get(), "inputs", &inputs);
    bt_value_array_append_string_element(inputs, trace.c_str());
    bt_value_map_insert_bool_entry(parameters.get(), "force-clock-class-origin-unix-epoch",
                                   BT_TRUE);
    const bt_component_source* source = nullptr;
    bt_graph_add_source_component(
        graph->get(), bt_plugin_borrow_source_component_class_by_name_const(ctf->get(), "fs"),
        trace.c_str(), parameters.get(), BT_LOGGING_LEVEL_NONE, &source);
    for (uint64_t i = 0; i < bt_component_source_get_output_port_count(source); i++)
      bt_graph_connect_ports(
          graph->get(), bt_component_source_borrow_output_port_by_index_const(source, i),
          bt_component_filter_borrow_input_port_by_index_const(muxer, connected++), nullptr);
  }
  std::vector<Seen> all;
  const bt_component_sink* sink = nullptr;
  bt_graph_add_simple_sink_component(graph->get(), "all", nullptr, take, nullptr, &all, &sink);
  bt_graph_connect_ports(graph->get(),
                         bt_component_filter_borrow_output_port_by_index_const(muxer, 0),
                         bt_component_sink_borrow_input_port_by_index_const(sink, 0), nullptr);
  EXPECT_EQ(bt_graph_run(graph->get()), BT_GRAPH_RUN_STATUS_OK);
  return all;
}

/// Of each CPU `events`, every `step_ns` and some of them at once. CPU 3 begins later,
/// CPU 1 has few.
void write_trace(const std::string& path, uint64_t step_ns) {
  std::vector<Event> events;
  for (uint64_t i = 0; i < 3000; i++)
    for (uint32_t cpu = 0; cpu < 7; cpu++) {
      if ((cpu == 3 && i < 1000) || (cpu == 1 && i % 500 != 0)) continue;
      events.push_back({.ns = 1000 + i * step_ns + (i % 7 == cpu ? 1 : 0),
                        .cpu = cpu,
                        .tid = cpu,
                        .tgid = 9,
                        .kvm = 1,
                        .data = EntryEvent{}});
    }
  std::ranges::stable_sort(events, {}, &Event::ns);
  CtfWriteOptions options;
  options.epoch_offset_ns = 0;
  options.boot_id = "ef5662a4-9847-4862-be69-516c1c2bbcd8";
  const auto done = write_ctf(path, events, options);
  ASSERT_TRUE(done) << done.error().message;
}

}  // namespace

TEST(CtfMerge, is_in_the_order_of_the_muxer) {
  const TemporaryFolder folder;
  const std::vector traces{folder.path() + "/a", folder.path() + "/b", folder.path() + "/c"};
  write_trace(traces[0], 10);
  write_trace(traces[1], 10);
  write_trace(traces[2], 35);
  for (const auto& some : {std::vector{traces[0]}, {traces[1], traces[0]}, traces}) {
    const auto ours = merged(some), theirs = muxed(some);
    EXPECT_GT(ours.size(), 15'000u * some.size());
    EXPECT_TRUE(ours == theirs) << some.size() << " traces";
  }
}

TEST(CtfMerge, takes_no_more_than_is_wanted) {
  const TemporaryFolder folder;
  write_trace(folder.path() + "/a", 10);
  uint64_t taken = 0;
  const auto done = run_ctf_graph({{{folder.path() + "/a"}, 0}},
                                  [&](const bt_message*) { return ++taken < 100; });
  EXPECT_TRUE(done);
  EXPECT_EQ(taken, 100u);
}

TEST(CtfMerge, what_is_thrown_is_the_error) {
  const TemporaryFolder folder;
  write_trace(folder.path() + "/a", 10);
  const auto done = run_ctf_graph({{{folder.path() + "/a"}, 0}}, [](const bt_message*) -> bool {
    throw std::runtime_error("too much");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "reading was given up: too much");
}

}  // namespace vmflow::test
