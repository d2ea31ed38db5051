// SPDX-License-Identifier: GPL-2.0-only
#include "analysis/amount_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace vmflow {
namespace {

struct TimeUnit {
  double ns;
  const char* name;
};
constexpr std::array<TimeUnit, 4> kUnits = {{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}}};

}  // namespace

std::string time_text(uint64_t ns) {
  if (ns == 0) return "0 s";
  const auto exact = static_cast<double>(ns);
  for (const auto& unit : kUnits) {
    // 999.6 ms would be printed as 1000 ms.
    if (exact < unit.ns * 0.9995 && unit.ns > 1) continue;
    const double amount = exact / unit.ns;
    if (unit.ns == 1) return fmt::format("{} ns", ns);
    const int digits = amount < 9.995 ? 2 : amount < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", amount, digits, unit.name);
  }
  return {};
}

std::string share_text(uint64_t part, uint64_t whole) {
  if (whole == 0 || part == 0) return "0 %";
  const double percent = static_cast<double>(part) / static_cast<double>(whole) * 100;
  if (percent <= 0.5) return "<1 %";
  return fmt::format("{:.0f} %", percent);
}

std::string count_text(uint64_t count) {
  const auto digits = std::to_string(count);
  std::string text;
  for (size_t i = 0; i < digits.size(); i++) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text += "\xC2\xA0";
    text += digits[i];
  }
  return text;
}

std::string counted_text(uint64_t count, const std::string& noun) {
  return count_text(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace vmflow
