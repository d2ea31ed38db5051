// SPDX-License-Identifier: GPL-2.0-only
// Groups of VMs as one page that needs nothing else and runs no script.
#pragma once

#include <string>

#include "analysis/clusters.h"

namespace vmflow {

/// Shape: `all` has no problem.
std::string clusters_html(const Clusters& all);

}  // namespace vmflow
