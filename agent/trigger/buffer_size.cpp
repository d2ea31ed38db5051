// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/buffer_size.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace vmflow {
namespace {

constexpr uint32_t kSubBuffers = 16;
constexpr uint64_t kLeastSubBuffer = 16 << 10;
constexpr uint64_t kMostBytes = uint64_t{1} << 40;
constexpr double kDay = 86400;

}  // namespace

BufferSize buffers_for(uint64_t wanted, uint64_t limit) {
  const auto share = [](uint64_t bytes) {
    return std::max(std::min(bytes, kMostBytes) / kSubBuffers, kLeastSubBuffer);
  };
  // Rounded up for the wish, down for the limit.
  const auto wish = std::bit_ceil(share(wanted + kSubBuffers - 1));
  return {std::min(wish, std::bit_floor(share(limit))), kSubBuffers};
}

double span_seconds(const BufferSize& size, double bytes_per_second) {
  if (size.sub_buffers < 2) return 0;
  const auto sure = static_cast<double>(size.sub_buffer_bytes * (size.sub_buffers - 1));
  return bytes_per_second * kDay <= sure ? kDay : sure / bytes_per_second;
}

uint64_t bytes_for_span(double bytes_per_second, double seconds) {
  const double sure = bytes_per_second * seconds * 4 / 3;
  const double all = sure * kSubBuffers / (kSubBuffers - 1);
  return all >= static_cast<double>(kMostBytes) ? kMostBytes
                                                : static_cast<uint64_t>(std::ceil(all));
}

}  // namespace vmflow
