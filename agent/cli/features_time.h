// SPDX-License-Identifier: GPL-2.0-only
// Times as people give them to vmflow features.
#pragma once

#include <optional>
#include <string>

namespace vmflow {

/// "2026-01-31T12:00:00Z", Unix seconds, "now", or how long ago: "90s", "30m", "24h", "7d".
/// Units: Unix seconds. Errors: nullopt if it is none of these.
std::optional<double> time_given(const std::string& text, double now_seconds);

/// "2026-01-31T12:00:00Z". Errors: nullopt if it is no such time.
std::optional<double> unix_seconds_of(const std::string& utc);

}  // namespace vmflow
