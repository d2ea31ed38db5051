// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/packet_ranges.h"

#include <algorithm>
#include <tuple>

namespace vmflow {
namespace {

constexpr uint64_t kSequences = uint64_t{1} << 32;

/// In this order at one place: what ends there does not hold it, what begins there does.
enum class StopKind : uint8_t { kEnd, kBegin, kPoint };

struct Stop {
  uint64_t at = 0;
  StopKind kind = StopKind::kEnd;
  uint32_t number = 0;  ///< of the range, or the point
};

void add_range(std::vector<Stop>& stops, uint64_t begin, uint64_t end, uint32_t number) {
  stops.push_back({begin, StopKind::kBegin, number});
  stops.push_back({end, StopKind::kEnd, number});
}

}  // namespace

// A sweep over the sequence numbers. Of the ranges that are open their count and the exclusive or
// of their numbers are kept: if one is open, that is its number.
std::vector<RangesAtByte> ranges_at(std::span<const ByteRange> ranges,
                                    std::span<const uint32_t> points) {
  std::vector<Stop> stops;
  for (uint32_t i = 0; i < ranges.size(); i++) {
    if (ranges[i].bytes == 0) continue;
    const uint64_t begin = ranges[i].begin, end = begin + ranges[i].bytes;
    add_range(stops, begin, std::min(end, kSequences), i);
    if (end > kSequences) add_range(stops, 0, end - kSequences, i);
  }
  for (uint32_t i = 0; i < points.size(); i++) stops.push_back({points[i], StopKind::kPoint, i});
  std::ranges::sort(stops, {}, [](const Stop& stop) { return std::tuple(stop.at, stop.kind); });
  std::vector<RangesAtByte> found(points.size());
  uint32_t open = 0, numbers = 0;
  for (const auto& stop : stops) {
    if (stop.kind == StopKind::kPoint) {
      found[stop.number] = {open, numbers};
      continue;
    }
    numbers ^= stop.number;
    stop.kind == StopKind::kBegin ? open++ : open--;
  }
  return found;
}

}  // namespace vmflow
