// SPDX-License-Identifier: GPL-2.0-only
// What vmflow log prints: the numbers of vmflow top, all columns, one row for each VM and look.
#pragma once

#include <string>

#include "agent/cli/top_columns.h"

namespace vmflow {

/// The header: names with their units. Shape: ends in a line feed; percent are of vCPU time.
std::string csv_header();

/// One look. Shape: fields with a comma, quote or line end are quoted (RFC 4180; lines end in a
/// line feed alone); empty is not known. Names are as shown_text() makes them.
std::string csv_text(const TopRows& rows, const std::string& time);

/// The same as one JSON object a line. Shape: null is not known; the same names, and `sentence`.
std::string json_lines(const TopRows& rows, const std::string& time);

}  // namespace vmflow
