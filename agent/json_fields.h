// SPDX-License-Identifier: GPL-2.0-only
// Fields of an answer that somebody else wrote: whatever they are, nothing throws.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace vmflow {

/// Numbers by name.
using NamedNumbers = std::map<std::string, double, std::less<>>;

/// Errors: null if it is not there.
inline const nlohmann::json& field(const nlohmann::json& json, const char* key) {
  static const nlohmann::json kNull;
  if (!json.is_object()) return kNull;
  const auto found = json.find(key);
  return found == json.end() ? kNull : *found;
}

/// Errors: absent if it is no number, or not a finite one.
inline std::optional<double> number_of(const nlohmann::json& json) {
  if (!json.is_number()) return std::nullopt;
  const auto number = json.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

/// Errors: 0 if it is no whole number from 0 on.
inline uint64_t count_of(const nlohmann::json& json) {
  return json.is_number_unsigned() ? json.get<uint64_t>() : 0;
}

/// Errors: empty if it is no string.
inline std::string text_of(const nlohmann::json& json) {
  return json.is_string() ? json.get<std::string>() : std::string();
}

/// Errors: leaves out what is no number.
inline NamedNumbers numbers_of(const nlohmann::json& json) {
  NamedNumbers numbers;
  if (!json.is_object()) return numbers;
  for (const auto& [name, value] : json.items())
    if (const auto number = number_of(value)) numbers[name] = *number;
  return numbers;
}

}  // namespace vmflow
