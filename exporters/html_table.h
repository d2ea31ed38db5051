// SPDX-License-Identifier: GPL-2.0-only
// A table of a report in a page, with what it splits as a bar.
#pragma once

#include <string>

#include "exporters/report_tables.h"

namespace vmflow {

/// A table with its sentence before it; one that splits something has a bar above it and the bar's
/// colour beside each row.
std::string html_table(const ReportTable& table);

/// The table's shares as one bar, which says in words what it shows; empty if it splits nothing.
std::string html_bar(const ReportTable& table);

/// The colours of the states that occur.
std::string html_state_key(const TraceReport& report);

}  // namespace vmflow
