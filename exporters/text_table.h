// SPDX-License-Identifier: GPL-2.0-only
// Tables and sentences of a report in lines of at most 80 columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "exporters/report_tables.h"

namespace vmflow {

/// Words in lines, each after `indent` blanks; what is longer than a line is cut.
std::string wrapped_text(std::string_view text, size_t indent);

/// The table's sentence, two columns before the table, and an empty line after both.
/// Shape: one column a character; what is wider is cut with an ellipsis, prose is wrapped below its
/// row.
std::string text_table(const ReportTable& table, size_t indent);

}  // namespace vmflow
