// SPDX-License-Identifier: GPL-2.0-only
// Which packet a byte of a TCP stream was in. Offloads cut a packet on its way (GSO) or join
// several (GRO): the headers differ then, the bytes do not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vmflow {

/// Bytes of one direction of one connection. Shape: sequence numbers wrap around.
struct ByteRange {
  uint32_t begin = 0;
  uint32_t bytes = 0;
};

/// Which of the ranges hold a byte. Shape: `number` is a place in the ranges, if `count` is 1.
struct RangesAtByte {
  uint32_t count = 0;
  uint32_t number = 0;
};

/// For each of `points` the ranges that hold it. Errors: none. Time n log n, however they lie.
std::vector<RangesAtByte> ranges_at(std::span<const ByteRange> ranges,
                                    std::span<const uint32_t> points);

}  // namespace vmflow
