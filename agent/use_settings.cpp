// SPDX-License-Identifier: GPL-2.0-only
// Settings of how VMs are judged that use little of what they have.
#include <fmt/format.h>

#include "agent/settings.h"

namespace vmflow {
namespace {

constexpr int64_t kFewestSeconds = 10, kMostSeconds = 86'400;

Result<void> set_window(Config& config, int64_t value) {
  if (value < kFewestSeconds || value > kMostSeconds)
    return failure(fmt::format("idle.window-seconds: {} is not between {} and {}", value,
                               kFewestSeconds, kMostSeconds));
  config.idle_window_seconds = static_cast<uint32_t>(value);
  return {};
}

}  // namespace

std::vector<Setting> use_settings() {
  static const Config defaults;
  return {
      {"idle.window-seconds",
       fmt::format("over which a VM is called idle or oversized ({})",
                   defaults.idle_window_seconds),
       Number(set_window)},
  };
}

}  // namespace vmflow
