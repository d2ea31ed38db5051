// SPDX-License-Identifier: GPL-2.0-only
// What vmflow top prints without a terminal: fixed columns for scripts.
#pragma once

#include <string>

#include "agent/cli/top_columns.h"

namespace vmflow {

/// One look: a line with the time, a line with the columns' titles, a line for each VM in the order
/// of `rows`. Shape: columns are parted by blanks, and none holds one ('_' stands for it); "-" is
/// not known. No escape sequences; the decimal sign is a dot.
std::string batch_text(const TopRows& rows, const std::string& time);

}  // namespace vmflow
