// SPDX-License-Identifier: GPL-2.0-only
// METRICS.md: the catalog as a page for people.
#pragma once

#include <string>

namespace vmflow {

/// The whole of exporters/METRICS.md, from the catalog and the tables of names.
std::string metrics_md();

}  // namespace vmflow
