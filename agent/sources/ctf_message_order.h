// SPDX-License-Identifier: GPL-2.0-only
// Which of libbabeltrace2's messages comes first. Inside ctf_merge only.
#pragma once

#include <babeltrace2/babeltrace.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace vmflow {

/// Of messages of the same time, the stream's whose order is less comes first, as with
/// libbabeltrace2's own muxer.
struct CtfStreamOrder {
  bool has_no_uuid = true;  ///< the trace; so for its name
  std::array<uint8_t, 16> uuid{};
  bool has_no_name = true;
  std::string name;
  uint64_t class_id = 0;
  uint64_t id = 0;
  auto operator<=>(const CtfStreamOrder&) const = default;
};

CtfStreamOrder order_of(const bt_stream* stream);

/// Null: the message tells no time.
const bt_clock_snapshot* time_of(const bt_message* message, bt_message_type type);

/// Of two streams that nothing tells apart, the lesser kind of message comes first.
int place_of_kind(bt_message_type type);

}  // namespace vmflow
