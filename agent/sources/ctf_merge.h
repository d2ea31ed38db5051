// SPDX-License-Identifier: GPL-2.0-only
// The end of libbabeltrace2's graph: takes the messages of any number of streams in order of time.
// Its own muxer looks at every stream for every message, and costs a third of the reading.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "agent/result.h"
#include "agent/sources/babeltrace.h"
#include "agent/sources/ctf_message_order.h"

namespace vmflow {

/// Threads: one. It stays where it is, and outlives the graph.
class CtfMerge {
 public:
  using Status = bt_component_class_sink_consume_method_status;

  /// `on_message` returns false when it has enough; what it throws ends the graph.
  explicit CtfMerge(const std::function<bool(const bt_message*)>& on_message)
      : on_message_(on_message) {}
  CtfMerge(const CtfMerge&) = delete;

  /// Puts this into `graph`, behind `from`. Errors: what libbabeltrace2 says.
  Result<void> connect(bt_graph* graph, const std::vector<const bt_port_output*>& from);

  /// What went wrong in here; empty: nothing did, or libbabeltrace2 tells it.
  const std::string& failed_with() const { return failed_with_; }
  /// What `on_message` has thrown; empty: nothing.
  const std::string& thrown() const { return thrown_; }

  // What libbabeltrace2 calls.
  uint64_t ports() const { return ports_; }
  bool begin(bt_self_component_sink* self);
  Status consume();
  void release();

 private:
  /// One port, and what has come through it.
  /// Shape: from `ns` to `rank` is of the next message and its stream.
  struct Input {
    bt::Iterator iterator;
    bt_message_array_const messages = nullptr;
    uint64_t count = 0;
    uint64_t next = 0;
    int64_t ns = 0;
    size_t rank = 0;
    int kind = 0;
    bool has_clock = false;
    CtfStreamOrder stream{};
  };

  Status take_next(Input& input);
  Status note_next(Input& input);
  bool hand_on(const bt_message* message);
  Status begin_heap();
  void order_all();
  void move_down(size_t at);
  static bool is_before(const Input& a, const Input& b);

  const std::function<bool(const bt_message*)>& on_message_;
  uint64_t ports_ = 0;
  std::vector<Input> inputs_;
  std::vector<Input*> heap_;  ///< those that have a message, the earliest in front
  bool has_begun_ = false;
  bool has_new_stream_ = false;
  int64_t last_ns_ = std::numeric_limits<int64_t>::min();
  std::string failed_with_;
  std::string thrown_;
};

}  // namespace vmflow
