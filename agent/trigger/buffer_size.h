// SPDX-License-Identifier: GPL-2.0-only
// How large a ring of sub-buffers must be to hold a time.
#pragma once

#include <cstdint>

namespace vmflow {

/// The ring of one CPU. Units: bytes. Shape: both are powers of two, as LTTng wants them.
struct BufferSize {
  uint64_t sub_buffer_bytes = 0;
  uint32_t sub_buffers = 0;

  uint64_t bytes() const { return sub_buffer_bytes * sub_buffers; }
  friend bool operator==(const BufferSize&, const BufferSize&) = default;
};

/// Room for `wanted` bytes, or the most that `limit` allows.
/// Shape: 16 sub-buffers, so that the one which is overwritten next is a small part; at least 16
/// KiB each, whatever the limit.
BufferSize buffers_for(uint64_t wanted, uint64_t limit);

/// How long a ring holds events that come at a rate; a sub-buffer that is being filled holds
/// nothing for sure. Units: bytes a second; seconds, at most a day.
double span_seconds(const BufferSize& size, double bytes_per_second);

/// What holds `seconds` at a rate, with a third to spare: rates rise when things go wrong.
uint64_t bytes_for_span(double bytes_per_second, double seconds);

}  // namespace vmflow
