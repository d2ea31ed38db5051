// SPDX-License-Identifier: GPL-2.0-only
#include "agent/cli/features_time.h"

#include <charconv>
#include <cmath>
#include <ctime>
#include <string_view>
#include <utility>

namespace vmflow {
namespace {

constexpr double kYear9999 = 253'402'300'799.0;

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number) ||
      number < 0 || number > kYear9999)
    return std::nullopt;
  return number;
}

}  // namespace

std::optional<double> time_given(const std::string& text, double now_seconds) {
  constexpr std::pair<char, double> kUnits[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}};
  if (text == "now") return now_seconds;
  for (const auto& [unit, seconds] : kUnits)
    if (text.ends_with(unit))
      if (const auto ago = number_in(std::string_view(text).substr(0, text.size() - 1)))
        return now_seconds - *ago * seconds;
  if (const auto unix_seconds = number_in(text)) return unix_seconds;
  return unix_seconds_of(text);
}

std::optional<double> unix_seconds_of(const std::string& utc) {
  std::tm time{};
  const auto* end = strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
  if (end == nullptr || std::string_view(end) != "Z") return std::nullopt;
  return static_cast<double>(timegm(&time));
}

}  // namespace vmflow
