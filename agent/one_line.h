// SPDX-License-Identifier: GPL-2.0-only
// What somebody wrote, for a message.
#pragma once

#include <string>
#include <string_view>

namespace vmflow {

/// What somebody wrote, as it may stand in a one-line message.
std::string one_line(std::string_view text);

}  // namespace vmflow
