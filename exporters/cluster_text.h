// SPDX-License-Identifier: GPL-2.0-only
// Groups of VMs for a terminal.
#pragma once

#include <string>

#include "analysis/clusters.h"

namespace vmflow {

/// In lines of at most 80 columns: first what the groups are, then each in numbers, then how they
/// were found. Shape: `all` has no problem.
std::string clusters_text(const Clusters& all);

}  // namespace vmflow
