// SPDX-License-Identifier: GPL-2.0-only
// CSV as RFC 4180 has it.
#pragma once

#include <string>

namespace vmflow {

/// A cell, in quotes if it needs them.
std::string csv_cell(const std::string& text);

}  // namespace vmflow
