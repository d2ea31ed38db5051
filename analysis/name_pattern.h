// SPDX-License-Identifier: GPL-2.0-only
// Names that a pattern means. Not fnmatch(): names come from whoever wrote the table, and with
// several stars its time grows without bound.
#pragma once

#include <string_view>

namespace vmflow {

/// "*" in the pattern stands for any characters or none; all others for themselves.
bool name_matches(std::string_view name, std::string_view pattern);

}  // namespace vmflow
