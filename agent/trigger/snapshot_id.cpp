// SPDX-License-Identifier: GPL-2.0-only
#include "agent/trigger/snapshot_id.h"

#include <fmt/format.h>

#include <charconv>

namespace vmflow {
namespace {

constexpr std::string_view kForm = "ddddddddTddddddZ-";
constexpr size_t kLeastDigits = 6, kMostDigits = 18;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string snapshot_id(std::time_t now, uint64_t number) {
  std::tm parts{};
  gmtime_r(&now, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z-{:06}", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     number);
}

std::optional<uint64_t> number_of_snapshot(std::string_view id) {
  if (id.size() < kForm.size() + kLeastDigits || id.size() > kForm.size() + kMostDigits)
    return std::nullopt;
  for (size_t i = 0; i < kForm.size(); i++)
    if (kForm[i] == 'd' ? !is_digit(id[i]) : id[i] != kForm[i]) return std::nullopt;
  uint64_t number = 0;
  const auto* end = id.data() + id.size();
  const auto read = std::from_chars(id.data() + kForm.size(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace vmflow
