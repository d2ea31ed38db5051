// SPDX-License-Identifier: GPL-2.0-only
// Sets up the log: one line per event on stderr, as text or as JSON.
#pragma once

#include <string>

namespace vmflow {

/// `level`: debug, info, warn, error. `format`: text or json. What a tenant can influence must have
/// passed safe_label(); JSON escapes the rest.
void set_up_log(const std::string& level, const std::string& format);

}  // namespace vmflow
