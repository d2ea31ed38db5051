// SPDX-License-Identifier: GPL-2.0-only
// What can be set of what vmflowd may cost.
#include <fmt/format.h>

#include <charconv>

#include "agent/settings.h"

namespace vmflow {
namespace {

/// Percent, with or without the sign. Returns a share; absent if it is none.
std::optional<double> share_of(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  double percent = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), percent);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  if (!(percent >= 0 && percent <= 100)) return std::nullopt;
  return percent / 100;
}

Result<void> set_budget(Config& config, const std::string& value) {
  const auto share = share_of(value);
  if (!share && value != "auto" && value != "off")
    return failure(
        fmt::format("overhead.budget: '{}' is neither auto nor off nor a percentage "
                    "between 0 and 100, like 0.5 or 0.5%",
                    one_line(value)));
  config.overhead_budget_is_default = value == "auto";
  config.overhead_budget = share;
  if (config.overhead_budget_is_default) config.overhead_budget = kDefaultOverheadBudget;
  return {};
}

}  // namespace

std::vector<Setting> overhead_settings() {
  return {
      {"overhead.budget",
       fmt::format("percent of the host's CPU time that the kernel programs may take; above it "
                   "detail is given up, the dearest first, never the time by state: a percentage, "
                   "off, or auto, which is {}%, and off where the CPU is emulated (auto)",
                   kDefaultOverheadBudget * 100),
       Text(set_budget), true},
  };
}

}  // namespace vmflow
