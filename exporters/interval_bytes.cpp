// SPDX-License-Identifier: GPL-2.0-only
#include "exporters/interval_bytes.h"

#include <algorithm>

namespace vmflow {
namespace {

void append_number(std::string& bytes, uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>(0x80 | (number & 0x7f));
  bytes += static_cast<char>(number);
}

}  // namespace

PackedIntervals pack_intervals(std::span<const ReportInterval> intervals,
                               const ReportWindow& window) {
  PackedIntervals packed;
  std::string bytes;
  uint64_t told_ns = window.begin_ns;
  for (const auto& each : intervals) {
    const auto begin = std::max(each.begin_ns, told_ns);
    const auto end = std::min(each.end_ns, window.end_ns);
    if (begin >= end) {
      packed.outside++;
      continue;
    }
    const bool gap = begin > told_ns;
    const auto state = std::min<uint64_t>(each.state, FLOW_UNKNOWN);
    append_number(bytes, ((uint64_t{each.detail} << 4 | state) << 1) | (gap ? 1 : 0));
    if (gap) append_number(bytes, begin - told_ns);
    append_number(bytes, end - begin);
    told_ns = end;
    packed.count++;
  }
  packed.base64 = base64(bytes);
  return packed;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](size_t at) -> uint32_t {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
    };
    const uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[three >> shift & 0x3f];
  }
  for (size_t over = bytes.size() % 3; over != 0 && over < 3; over++)
    text[text.size() - 3 + over] = '=';
  return text;
}

}  // namespace vmflow
